/*
title: Key figures by month
term: key-figures
caption: "{{ name }} by month"
each: {key: kpi, label: name}
draw:
  columns: starts_on
  series: {value: {colour: accent, name: Value}}
  paler: is_not_whole
  target: target
columns:
  month: Month
  value: {label: "{{ name }}", kind_by: kind}
  rests_on: {label: n, kind: count}
  target: {label: Target, kind_by: kind}
  status: Status
  starts_on: {kind: month, hidden: true}
hidden: [kpi, name, kind, is_open, is_complete, is_not_whole, previous_value, year_earlier_value]
let:
  last: max_by(rows, starts_on) FILTER (is_complete AND value IS NOT NULL)
  open: max_by(rows, starts_on) FILTER (is_open)
hover: >-
  {{ month }}<br>{{ name }} {{ shown }}{% if target is not none %}<br>Target {{ target|show(kind) }}: {{ status }}
  {%- endif %}
legend: {"{% if targets.given %}Value{% endif %}": accent, "{% if targets.given %}Target{% endif %}": ink}
sentence: "{{ last|kpi_sentence(open, currency) }}"
empty: No order has been booked yet.
basis: n = {{ orders|counted("order") }} · {{ facts.range }}
*/
WITH names (kpi, place, name, is_always_shown) AS (
  VALUES
    ('revenue', 1, 'Revenue', TRUE), ('orders', 2, 'Orders, guests included', FALSE), ('buyers', 3, 'Buyers', TRUE),
    ('new_buyers', 4, 'First-time buyers', FALSE), ('repeat_buyers', 5, 'Repeat buyers', FALSE),
    ('repeat_share_of_buyers', 6, 'Repeat share of buyers', FALSE),
    ('one_time_share_of_buyers', 7, 'One-time share of buyers', FALSE),
    ('repeat_share_of_revenue', 8, 'Repeat share of revenue', FALSE),
    ('one_time_share_of_revenue', 9, 'One-time share of revenue', FALSE),
    ('mean_order_value', 10, 'Mean order value', TRUE), ('orders_per_buyer', 11, 'Orders per buyer', TRUE),
    ('revenue_per_buyer', 12, 'Revenue per buyer', FALSE), ('refund_share', 13, 'Refund share', TRUE),
    ('retention_90d', 14, 'Back within 90 days', TRUE)
),
months AS (
  SELECT
    *,
    dense_rank() OVER (ORDER BY starts_on DESC) AS newest,
    count(target) OVER (PARTITION BY kpi) AS targets
  FROM marts.kpis
  WHERE snapshot_date = $snapshot_date AND period_kind = 'month'
)
SELECT
  strftime(months.starts_on, '%b %Y')
    || CASE WHEN months.is_open THEN ' (not over)' WHEN months.is_complete THEN '' ELSE ' (not whole)' END AS month,
  months.value, months.rests_on, months.target,
  replace(months.status, '_', ' ') AS status,
  months.starts_on, months.kpi, names.name,
  CASE months.unit
    WHEN 'currency' THEN 'money' WHEN 'share' THEN 'percent'
    ELSE CASE months.measure WHEN 'total' THEN 'count' ELSE 'number' END
  END AS kind,
  months.is_open, months.is_complete,
  NOT months.is_complete AS is_not_whole,
  months.previous_value, months.year_earlier_value
FROM months
JOIN names ON names.kpi = months.kpi
WHERE months.newest <= 24 AND (names.is_always_shown OR months.targets > 0)
ORDER BY names.place, months.starts_on
