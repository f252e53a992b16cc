/*
title: When it falls due
term: due
each: {key: level, label: level_label}
draw: {columns: week, series: {expected_buyers: accent}}
columns:
  week: Falls due
  expected_buyers: {label: Purchases expected in 30 days, kind: number}
  watched: {label: Pairs, kind: count}
  customers: {label: Customers, kind: count}
hidden: [level, level_label, place]
let:
  overdue: sum(watched) FILTER (place = 0)
  soon: sum(watched) FILTER (place BETWEEN 1 AND 5)
  expected_overdue: sum(expected_buyers) FILTER (place = 0)
  expected_all: sum(expected_buyers)
  all_pairs: sum(watched)
sentence: >-
  {{ (soon or 0)|counted("pair") }} of a customer and an item fall due in the next five weeks and {{ (overdue or 0)|count }}
  are overdue. Of about {{ expected_all|counted("purchase") }} in 30 days, {{ (expected_overdue or 0)|count }} are expected
  of those that are overdue.
basis: n = {{ all_pairs|counted("pair") }} of a customer and an item bought twice · orders {{ facts.range }}
*/
WITH weeks AS (
  SELECT
    level, customer_id, probability_30d,
    CASE
      WHEN due_on <= $snapshot_date THEN 0
      ELSE least((date_diff('day', $snapshot_date, due_on) + 6) // 7, 6)
    END AS place
  FROM marts.replenishment_due
  WHERE snapshot_date = $snapshot_date AND status = 'ok' AND due_on IS NOT NULL
)
SELECT
  level,
  CASE level WHEN 'product' THEN 'Products' ELSE 'Categories' END AS level_label,
  CASE place
    WHEN 0 THEN 'overdue' WHEN 6 THEN 'later' ELSE 'day ' || (7 * place - 6) || '–' || (7 * place)
  END AS week,
  sum(probability_30d) AS expected_buyers,
  count(*) AS watched,
  count(DISTINCT customer_id) AS customers,
  place
FROM weeks
GROUP BY level, place
ORDER BY level DESC, place
