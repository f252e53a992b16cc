/*
title: Signals
description: "Customers of whom something says that it is time to write: who buys more or less than before, is overdue, likely to be lost or lost already, worth more than so far, or due for a second order. Somebody may be in several."
owner: team:crm
advice: "Overdue, declining and premium_alert first, by value; second_order between the days by which half and three quarters of those who come back are back; lost last, and seldom."
csv: true
catalogue: signals
each: signal
values: |
  SELECT signal
  FROM (VALUES
    ('declining'), ('growing'), ('likely_lost'), ('lost'), ('overdue'), ('premium_alert'), ('rising'), ('second_order')
  ) AS listed (signal)
value: predicted_clv
columns:
  customer_id:          {type: VARCHAR, meaning: Customer of the shop}
  reason:               {type: VARCHAR, meaning: "What says so, in words"}
  stage:                {type: VARCHAR, meaning: Lifecycle stage}
  activity_trend:
  recency_days:         {type: BIGINT, unit: days, min: 0, meaning: Days since the last order}
  usual_gap_days:       {type: DOUBLE, unit: days, nullable: true, min: 0, meaning: Median number of days between orders; null before the second}
  orders:               {type: BIGINT, unit: orders, min: 1, meaning: Orders that stand}
  revenue_12_months:    {type: "DECIMAL(18,2)", unit: currency, meaning: Revenue of the last 365 days}
  predicted_clv:
  churn_probability:
  churn_horizon_days:
  p_purchase_30d:
  p_purchase_90d:
  next_purchase_from:
  next_purchase_median:
  next_purchase_to:
*/
WITH customers AS (
  SELECT
    summary.customer_id,
    stages.stage,
    trends.activity_trend,
    stages.recency_days,
    stages.occasions,
    summary.median_gap_days AS usual_gap_days,
    summary.orders,
    summary.revenue_12_months,
    clv.predicted_clv,
    churn.churn_probability,
    churn.churn_horizon_days,
    churn.p_purchase_30d,
    churn.p_purchase_90d,
    churn.purchase_band,
    churn.churn_band,
    clv.next_purchase_from,
    clv.next_purchase_median,
    clv.next_purchase_to
  FROM marts.customer_summary AS summary
  JOIN marts.lifecycle_stages AS stages USING (snapshot_date, customer_id)
  LEFT JOIN marts.activity_trend AS trends USING (snapshot_date, customer_id)
  LEFT JOIN marts.churn_predictions AS churn USING (snapshot_date, customer_id)
  LEFT JOIN marts.clv_predictions AS clv USING (snapshot_date, customer_id)
  WHERE summary.snapshot_date = $snapshot_date
),
-- The days by which half and three quarters of those who order a second time have done so.
second_order AS (
  SELECT back_p50_days, back_p75_days
  FROM marts.key_moments
  WHERE snapshot_date = $snapshot_date AND order_number = 1 AND cohort = 'all' AND is_main AND status = 'known'
),
signals AS (
  SELECT customer_id, 'lost' AS signal, 'silent beyond the limit of the inactive' AS reason
  FROM customers
  WHERE stage = 'inactive'
  UNION ALL
  SELECT customer_id, activity_trend, 'orders ' || CASE activity_trend WHEN 'growing' THEN 'more' ELSE 'less' END || ' often than before'
  FROM customers
  WHERE activity_trend IN ('growing', 'declining')
  UNION ALL
  SELECT customer_id, 'likely_lost', 'unlikely to order within 30 days, likely not to within the churn horizon'
  FROM customers
  WHERE purchase_band = '0-25' AND churn_band = '76-100' AND stage <> 'inactive'
  UNION ALL
  SELECT customer_id, 'overdue', 'silent for more than 1.5 times the usual gap'
  FROM customers
  WHERE occasions >= 3 AND usual_gap_days >= 1 AND recency_days > 1.5 * usual_gap_days AND stage <> 'inactive'
  UNION ALL
  SELECT customer_id, 'second_order', 'first order so long ago that half of those who come back are back'
  FROM customers
  CROSS JOIN second_order
  WHERE occasions = 1 AND recency_days BETWEEN second_order.back_p50_days AND second_order.back_p75_days
  UNION ALL
  SELECT customer_id, 'premium_alert', 'of high value, and the chance of an order fell by 30 % or more in 30 days'
  FROM marts.premium_alerts
  WHERE snapshot_date = $snapshot_date
  UNION ALL
  SELECT customer_id, 'rising', 'predicted value ranks far above what was spent so far'
  FROM marts.rising_customers
  WHERE snapshot_date = $snapshot_date
)
SELECT
  signals.signal,
  signals.customer_id,
  signals.reason,
  customers.stage,
  customers.activity_trend,
  customers.recency_days,
  customers.usual_gap_days,
  customers.orders,
  customers.revenue_12_months,
  customers.predicted_clv,
  customers.churn_probability,
  customers.churn_horizon_days,
  customers.p_purchase_30d,
  customers.p_purchase_90d,
  customers.next_purchase_from,
  customers.next_purchase_median,
  customers.next_purchase_to
FROM signals
JOIN customers USING (customer_id)
