/*
draw: figures
columns:
  label: Figure
  value: {kind_by: kind}
hidden: [before, kind, told]
empty: ""
context: >-
  {% if told == "lost" %}{{ (value / asked.a_customers if asked.a_customers else none)|percent|lost_context(
  arrivals.lost_bought_since, arrivals.are_known and asked.b_to < snapshot_date) }}
  {%- elif told == "new" %}{{ arrivals|arrival_context if arrivals.are_known }}
  {%- else %}in B; {{ before|show(kind) }} in A{% if value is not none and before is not none %}
  ({{ (value|round(2) - before|round(2) if kind == "number" else value - before)|change_of(kind) }}){% endif %}{% endif %}
*/
WITH asked AS (
  SELECT *
  FROM marts.period_comparison
  WHERE snapshot_date = $snapshot_date AND pair = 'asked' AND status <> 'insufficient_data'
)
SELECT 'Customers' AS label, b_customers::DOUBLE AS value, a_customers::DOUBLE AS before, 'count' AS kind, '' AS told
FROM asked
UNION ALL
SELECT 'Lost: did not buy in B', lost_customers, NULL, 'count', 'lost' FROM asked
UNION ALL
SELECT 'In B, but not in A', new_customers, NULL, 'count', 'new' FROM asked
UNION ALL
SELECT 'Orders per customer', b_orders_per_customer, a_orders_per_customer, 'number', '' FROM asked
UNION ALL
SELECT 'Order value, net of refunds', b_order_value, a_order_value, 'money', '' FROM asked
UNION ALL
SELECT 'Revenue, guests included', b_total_revenue, a_total_revenue, 'money', '' FROM asked
