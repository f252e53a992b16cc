/*
title: Days until half are back, by quarter of the first order
draw: {dots: bar, value: back_p50_days, band: [back_p50_low, back_p50_high], title: Half are back on day}
each: {key: horizon_days, label: horizon}
columns:
  cohort: {label: First order in, say: quarter}
  silences: {label: Customers, kind: count}
  at_risk: {label: Still waited for then, kind: count}
  share_back: {label: Back by then, kind: percent}
  returned: {label: Came back, kind: count}
  back_p50_days: {label: "Half of them, day", kind: count, interval: [back_p50_low, back_p50_high]}
  back_p75_days: "Three quarters, day"
hidden: [unwatched, bar, horizon_days, horizon]
let:
  customers: sum(silences)
hover: >-
  {{ cohort }}: day {{ value }} ({{ back_p50_low|day_range(back_p50_high) }})<br>{{ share_back|percent }} of
  {{ silences|counted("customer") }} back by day {{ horizon_days }}
sentence: "{{ rows|drift_sentence }}"
empty: >-
  Whether it changes can be seen from three quarters on; {{ quarters.known|count }} of {{ quarters.listed|count }}
  {{ "is" if quarters.known == 1 else "are" }} known so far: each needs 50 customers who are still waited for, and 20 who
  came back.
basis: n = {{ customers|counted("customer") }} · orders {{ facts.range }}
*/
WITH quarters AS (
  SELECT
    *,
    count(back_p50_days) OVER (PARTITION BY horizon_days) AS known,
    bool_or(is_main) OVER (PARTITION BY horizon_days) AS is_first
  FROM marts.key_moments
  WHERE snapshot_date = $snapshot_date AND cohort <> 'all'
)
SELECT
  cohort, silences, at_risk, share_back, returned, back_p50_days, back_p50_low, back_p50_high, back_p75_days, unwatched,
  right(cohort, 2) || ' ' || left(cohort, 4) || CASE WHEN back_p50_days IS NULL THEN ': unknown' ELSE '' END AS bar,
  horizon_days,
  'By day ' || horizon_days AS horizon
FROM quarters
WHERE known >= 3
ORDER BY is_first DESC, horizon_days, cohort
