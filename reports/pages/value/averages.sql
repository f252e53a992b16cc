/*
title: Averages per customer
draw: table
columns:
  measure: {label: Average, kind: text}
  customers: {label: Customers, kind: count}
  mean: {label: Mean, kind_by: kind, interval: [mean_low, mean_high]}
  median: {label: Median, kind_by: kind}
hidden: [kind]
let:
  orders: max_by(rows, mean) FILTER (measure = 'Orders')
  value: max_by(rows, mean) FILTER (measure = 'Mean order value')
  customers: max(customers)
sentence: >-
  {% if orders is none or value is none %}One customer has no average; there must be two.
  {%- else %}The average customer has placed {{ orders.mean|number }} {{ "order" if orders.mean|number == "1" else
  "orders" }} (95% interval {{ orders.mean_low|number }} to {{ orders.mean_high|number }}), worth {{ value.mean|money }}
  each ({{ value.mean_low|money }} to {{ value.mean_high|money }}).{% endif %}
basis: n = {{ customers|counted("customer") }} · orders {{ facts.range }}
*/
WITH names (measure, place, label) AS (
  VALUES
    ('orders', 1, 'Orders'), ('occasions', 2, 'Order days'), ('order_value', 3, 'Mean order value'),
    ('gap_days', 4, 'Days between two order days'), ('revenue_12_months', 5, 'Revenue, last 12 months'),
    ('historic_clv', 6, 'Revenue to date'), ('predicted_clv', 7, 'Predicted value')
)
SELECT
  names.label AS measure,
  averages.customers, averages.mean, averages.mean_low, averages.mean_high, averages.median,
  CASE averages.unit WHEN 'currency' THEN 'money' ELSE 'number' END AS kind
FROM marts.base_averages AS averages
JOIN names ON names.measure = averages.measure
WHERE averages.snapshot_date = $snapshot_date AND averages.customers > 0
ORDER BY names.place
