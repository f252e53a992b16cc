/*
title: What changed it
term: bennet-shapley
caption: What changed revenue by {{ kinds|lower }}
each: {key: period_kind, label: kinds}
switch: period
draw:
  columns: starts_on
  series: {order_number_effect: part-1, order_value_effect: part-2, other_effect: part-3}
  stack: true
  paler: is_not_whole
columns:
  starts_on: From
  is_complete: Whole
  order_number_effect: Number of orders
  order_value_effect: Order value
  other_effect: Refunds and the rest
hidden: [orders, revenue, is_not_whole, period, period_kind, kinds, ends_on]
let:
  orders: sum(orders)
hover: "{{ period }}<br>{{ series }}: {{ value|change_of('money') }}"
sentence: "{{ rows|effects_sentence(currency) }}"
empty: ""
basis: n = {{ orders|counted("order") }} · {{ rows|calendar_span(facts.lines.first_on, snapshot_date) }}
*/
WITH periods AS (
  SELECT
    *,
    row_number() OVER (PARTITION BY period_kind ORDER BY starts_on DESC) AS newest,
    count(order_number_effect) OVER (PARTITION BY period_kind) AS compared
  FROM marts.revenue_calendar
  WHERE snapshot_date = $snapshot_date
)
SELECT
  starts_on, is_complete, order_number_effect, order_value_effect, other_effect, orders, revenue,
  NOT is_complete AS is_not_whole,
  CASE period_kind
    WHEN 'month' THEN strftime(starts_on, '%B %Y')
    WHEN 'week' THEN 'Week of ' || strftime(starts_on, '%-d %b %Y')
    ELSE strftime(starts_on, '%a %-d %b %Y')
  END || CASE WHEN is_complete THEN '' ELSE ' (not whole)' END AS period,
  period_kind,
  CASE period_kind WHEN 'month' THEN 'Months' WHEN 'week' THEN 'Weeks' ELSE 'Days' END AS kinds,
  ends_on
FROM periods
WHERE compared > 0 AND newest <= CASE period_kind WHEN 'month' THEN 60 WHEN 'week' THEN 104 ELSE 365 END
ORDER BY CASE period_kind WHEN 'month' THEN 1 WHEN 'week' THEN 2 ELSE 3 END, starts_on
