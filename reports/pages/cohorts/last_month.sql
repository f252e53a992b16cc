/*
title: The last whole month
caption: Key figures of {{ month }}
draw: table
columns:
  kpi: {label: Key figure, kind: text}
  value: {label: "{{ month }}", kind_by: kind}
  rests_on: {label: n, kind: count}
  target: {label: Target, kind_by: kind, missing: –}
  status: Status
  previous_value: {label: Month before, kind_by: kind, missing: –}
  trend: {missing: –}
  year_earlier_value: {label: Year earlier, kind_by: kind, missing: –}
  trend_to_year_earlier: {label: Trend, missing: –}
hidden: [kind, month]
let:
  month: any_value(month)
empty: ""
basis: orders {{ facts.range }}
note: >-
  Trend: better, worse or the same as the month before and the year before, where both are whole. Small changes may be
  chance. Back within 90 days is known once all new buyers of the month had that long.
*/
WITH names (kpi, place, name) AS (
  VALUES
    ('revenue', 1, 'Revenue'), ('orders', 2, 'Orders, guests included'), ('buyers', 3, 'Buyers'), ('new_buyers', 4, 'First-time buyers'),
    ('repeat_buyers', 5, 'Repeat buyers'), ('repeat_share_of_buyers', 6, 'Repeat share of buyers'),
    ('one_time_share_of_buyers', 7, 'One-time share of buyers'),
    ('repeat_share_of_revenue', 8, 'Repeat share of revenue'),
    ('one_time_share_of_revenue', 9, 'One-time share of revenue'), ('mean_order_value', 10, 'Mean order value'),
    ('orders_per_buyer', 11, 'Orders per buyer'), ('revenue_per_buyer', 12, 'Revenue per buyer'),
    ('refund_share', 13, 'Refund share'), ('retention_90d', 14, 'Back within 90 days')
),
months AS (
  SELECT *, max(starts_on) FILTER (is_complete) OVER () AS last_whole
  FROM marts.kpis
  WHERE snapshot_date = $snapshot_date AND period_kind = 'month'
)
SELECT
  names.name AS kpi,
  months.value, months.rests_on, months.target,
  replace(months.status, '_', ' ') AS status,
  months.previous_value, months.trend, months.year_earlier_value, months.trend_to_year_earlier,
  CASE months.unit
    WHEN 'currency' THEN 'money' WHEN 'share' THEN 'percent'
    ELSE CASE months.measure WHEN 'total' THEN 'count' ELSE 'number' END
  END AS kind,
  strftime(months.starts_on, '%B %Y') AS month
FROM months
JOIN names ON names.kpi = months.kpi
WHERE months.starts_on = months.last_whole
ORDER BY names.place
