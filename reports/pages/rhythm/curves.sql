/*
title: How soon they are back
term: best-time-to-remind
draw: {lines: day, by: purchase, value: share_back, band: [share_low, share_high], colour: colour, titles: [Days since the order, Have ordered again]}
columns:
  purchase: Order
  day: {label: Day, kind: count}
  share_back: {label: Ordered again, kind: percent, interval: [share_low, share_high]}
  at_risk: {label: Still watched, kind: count}
hidden: [silences, at_horizon, common, place, colour]
let:
  common: any_value(common)
  silences: sum(silences) FILTER (day = 0)
hover: "{{ purchase }}, day {{ day }}<br>{{ share_back|percent }} have ordered again<br>{{ at_risk|count }} still watched"
sentence: "{{ rows|curves_sentence }}"
basis: n = {{ silences|counted("order") }} watched · orders {{ facts.range }}
*/
WITH main AS (
  SELECT order_number, silences, horizon_days
  FROM marts.key_moments
  WHERE snapshot_date = $snapshot_date AND cohort = 'all' AND is_main AND order_number <= 4
),
common AS (
  SELECT moments.order_number, moments.share_back, moments.horizon_days
  FROM marts.key_moments AS moments
  WHERE moments.snapshot_date = $snapshot_date
    AND moments.cohort = 'all'
    AND moments.horizon_days = (SELECT min(horizon_days) FROM main)
),
names (order_number, name, colour) AS (
  VALUES (1, 'first', 'accent'), (2, 'second', 'part-2'), (3, 'third', 'part-3'), (4, 'fourth', 'better')
)
SELECT
  'After the ' || names.name AS purchase,
  curves.silent_days AS day,
  curves.share_back, curves.share_low, curves.share_high, curves.at_risk, main.silences,
  common.share_back AS at_horizon,
  common.horizon_days AS common,
  names.name AS place,
  names.colour
FROM marts.survival_curves AS curves
JOIN main ON main.order_number = curves.order_number
JOIN names ON names.order_number = curves.order_number
LEFT JOIN common ON common.order_number = curves.order_number
WHERE curves.snapshot_date = $snapshot_date AND curves.silent_days % 7 = 0
ORDER BY curves.order_number, curves.silent_days
