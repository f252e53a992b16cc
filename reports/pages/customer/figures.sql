/*
draw: figures
columns:
  customer_id: {hidden: true}
  label: Figure
  value: {kind_by: kind}
  kind: {hidden: true}
  said: {hidden: true}
empty: ""
context: "{{ said or '' }}"
*/
WITH own AS (
  SELECT * FROM marts.customer_360 WHERE snapshot_date = $snapshot_date AND customer_id IN (SELECT unnest($customer_ids))
),
figures AS (
  SELECT
    customer_id, 1 AS place, 'Revenue so far' AS label, revenue::DOUBLE AS value, 'money' AS kind,
    format('{:,} orders', orders) AS said
  FROM own
  UNION ALL
  SELECT customer_id, 2, 'Mean order value', mean_order_value, 'money', NULL FROM own
  UNION ALL
  SELECT
    customer_id, 3, 'Usual gap, days', median_gap_days, 'number', format('now {:,} days since the last order', recency_days)
  FROM own
  UNION ALL
  SELECT
    customer_id, 4, 'Predicted value', predicted_clv, 'money',
    CASE WHEN clv_low IS NOT NULL THEN format('80% interval: {:,.0f} to {:,.0f}', clv_low, clv_high) END
  FROM own
  UNION ALL
  SELECT
    customer_id, 5, 'Churn probability', churn_probability, 'percent',
    CASE WHEN churn_horizon_days IS NOT NULL THEN format('no order within {:,} days', churn_horizon_days) END
  FROM own
  UNION ALL
  SELECT customer_id, 6, 'Order in the next 30 days', p_purchase_30d, 'percent', 'probability' FROM own
)
SELECT customer_id, label, value, kind, said
FROM figures
ORDER BY customer_id, place
-- What is said of predictions besides stands above them: facts.cautions.
