/*
draw: figures
columns:
  customer_id: {hidden: true}
  label: Figure
  value: {kind_by: kind}
  kind: {hidden: true}
  n: {hidden: true}
  low: {hidden: true}
  high: {hidden: true}
context: >-
  {% if label == "Revenue so far" %}{{ n|counted("order") }}
  {%- elif label == "Usual gap, days" %}now {{ n|counted("day") }} since the last order
  {%- elif low is not none %}80% interval: {{ low|money }} to {{ high|money }}
  {%- elif label == "Churn probability" and n is not none %}no order within {{ n|counted("day") }}
  {%- elif label == "Order in the next 30 days" %}probability{% endif %}
*/
SELECT own.customer_id, figures.label, figures.value, figures.kind, figures.n, figures.low, figures.high
FROM marts.customer_360 AS own
CROSS JOIN (
  VALUES
    (1, 'Revenue so far', own.revenue::DOUBLE, 'money', own.orders, NULL::DOUBLE, NULL::DOUBLE),
    (2, 'Mean order value', own.mean_order_value, 'money', NULL, NULL, NULL),
    (3, 'Usual gap, days', own.median_gap_days, 'number', own.recency_days, NULL, NULL),
    (4, 'Predicted value', own.predicted_clv, 'money', NULL, own.clv_low, own.clv_high),
    (5, 'Churn probability', own.churn_probability, 'percent', own.churn_horizon_days, NULL, NULL),
    (6, 'Order in the next 30 days', own.p_purchase_30d, 'percent', NULL, NULL, NULL)
) AS figures (place, label, value, kind, n, low, high)
WHERE own.snapshot_date = $snapshot_date AND own.customer_id IN (SELECT unnest($customer_ids))
ORDER BY own.customer_id, figures.place
