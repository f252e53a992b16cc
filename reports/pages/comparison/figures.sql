/*
draw: figures
columns:
  label: Figure
  value: {kind_by: kind}
hidden: [before, kind, told]
context: >-
  {% if told == "lost" %}{{ (value / asked.a_customers if asked.a_customers else none)|percent|lost_context(
  arrivals.lost_bought_since, arrivals.are_known and asked.b_to < snapshot_date) }}
  {%- elif told == "new" %}{{ arrivals|arrival_context if arrivals.are_known }}
  {%- else %}in B; {{ before|show(kind) }} in A{% if value is not none and before is not none %}
  ({{ (value|round(2) - before|round(2) if kind == "number" else value - before)|change_of(kind) }}){% endif %}{% endif %}
*/
SELECT figures.label, figures.value, figures.before, figures.kind, figures.told
FROM marts.period_comparison AS asked
CROSS JOIN (
  VALUES
    (1, 'Customers', asked.b_customers::DOUBLE, asked.a_customers::DOUBLE, 'count', ''),
    (2, 'Lost: did not buy in B', asked.lost_customers, NULL, 'count', 'lost'),
    (3, 'In B, but not in A', asked.new_customers, NULL, 'count', 'new'),
    (4, 'Orders per customer', asked.b_orders_per_customer, asked.a_orders_per_customer, 'number', ''),
    (5, 'Order value, net of refunds', asked.b_order_value, asked.a_order_value, 'money', ''),
    (6, 'Revenue, guests included', asked.b_total_revenue, asked.a_total_revenue, 'money', '')
) AS figures (place, label, value, before, kind, told)
WHERE asked.snapshot_date = $snapshot_date AND asked.pair = 'asked' AND asked.status <> 'insufficient_data'
ORDER BY figures.place
