/*
title: When customers count as lapsing
draw: table
columns:
  watched: {label: After, kind: text}
  silences: {label: Watched, kind: count}
  defecting_days: {label: "Lapsing, days", kind: count, interval: [defecting_low, defecting_high]}
  inactive_days: {label: "Lapsed, days", kind: count, interval: [inactive_low, inactive_high]}
  chance_at_0: {label: "Chance in 90 days", kind: percent}
  how: {label: Limits, kind: text}
hidden: [customer_kind, defecting_status]
let:
  watched: sum(silences)
sentence: "{{ rows|limits_sentence(own) }}"
basis: n = {{ watched|counted("purchase") }} watched · orders {{ facts.range }}
note: >-
  Lapsing: the chance to order within 90 days is below half of what it was right after an order; lapsed: below a quarter.
  Where it does not fall that far, 180 and 365 days stand in; with six orders or more, three and six times the customer’s
  own median gap (at least 14 and 30 days). Watched are the orders of the last 730 days. When to write is on Rhythm.
*/
WITH words (status, word) AS (VALUES ('learnt', 'learnt'), ('not_reached', 'usual'), ('set', 'set'))
SELECT
  CASE limits.customer_kind WHEN 'one-time' THEN 'First purchases' ELSE 'Later purchases' END AS watched,
  limits.silences, limits.defecting_days,
  CASE WHEN limits.defecting_status = 'learnt' THEN limits.defecting_low END AS defecting_low,
  CASE WHEN limits.defecting_status = 'learnt' THEN limits.defecting_high END AS defecting_high,
  limits.inactive_days,
  CASE WHEN limits.inactive_status = 'learnt' THEN limits.inactive_low END AS inactive_low,
  CASE WHEN limits.inactive_status = 'learnt' THEN limits.inactive_high END AS inactive_high,
  limits.chance_at_0,
  CASE WHEN lapsing.word = lapsed.word THEN lapsing.word ELSE lapsing.word || ' and ' || lapsed.word END AS how,
  limits.customer_kind, limits.defecting_status
FROM marts.lifecycle_thresholds AS limits
JOIN words AS lapsing ON lapsing.status = limits.defecting_status
JOIN words AS lapsed ON lapsed.status = limits.inactive_status
WHERE limits.snapshot_date = $snapshot_date
ORDER BY limits.customer_kind
