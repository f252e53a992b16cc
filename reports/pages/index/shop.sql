/*
title: The last whole month
draw: table
columns:
  kpi: {label: Key figure, kind: text}
  value: {label: "{{ month }}", kind_by: kind}
  previous_value: {label: "{{ before }}", kind_by: kind, missing: –}
  year_earlier_value: {label: "{{ year_before }}", kind_by: kind, missing: –}
  target: {label: Target, kind_by: kind, missing: –}
hidden: [kind, month, before, year_before]
let:
  month: any_value(month)
  before: any_value(before)
  year_before: any_value(year_before)
basis: orders {{ facts.range }}
*/
WITH names (kpi, place, name) AS (
  VALUES
    ('revenue', 1, 'Revenue'), ('orders', 2, 'Orders, guests included'),
    ('new_buyers', 3, 'First-time buyers'),
    ('repeat_buyers', 4, 'Repeat buyers'), ('mean_order_value', 5, 'Mean order value')
),
months AS (
  SELECT *, max(starts_on) FILTER (is_complete) OVER () AS last_whole
  FROM marts.kpis
  WHERE snapshot_date = $snapshot_date AND period_kind = 'month'
)
SELECT
  names.name AS kpi,
  months.value, months.previous_value, months.year_earlier_value, months.target,
  CASE months.unit
    WHEN 'currency' THEN 'money' ELSE CASE months.measure WHEN 'total' THEN 'count' ELSE 'number' END
  END AS kind,
  strftime(months.starts_on, '%b %Y') AS month,
  strftime(months.starts_on - INTERVAL 1 MONTH, '%b %Y') AS before,
  strftime(months.starts_on - INTERVAL 1 YEAR, '%b %Y') AS year_before
FROM months
JOIN names ON names.kpi = months.kpi
WHERE months.starts_on = months.last_whole
ORDER BY names.place
