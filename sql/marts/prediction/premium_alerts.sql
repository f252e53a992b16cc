/*
description: "Premium customers losing interest: predicted value in the top tenth 30 days ago, and a probability to buy within 90 days that has fallen by 30 % or more since. Both days under the parameters and the clock (season_clock) of the snapshot date, so that a drop is the customer's, not the model's or the season's. Left out is who has objected to marketing."
grain: [snapshot_date, customer_id]
owner: team:crm
columns:
  snapshot_date:          {type: DATE, meaning: The day whose end the row describes}
  customer_id:            {type: VARCHAR, meaning: Customer of the shop}
  compared_with:          {type: DATE, meaning: 30 days before the snapshot date}
  predicted_clv_before:   {type: DOUBLE, unit: currency, min: 0, meaning: Predicted value then}
  predicted_clv:          {type: DOUBLE, label: Predicted value, unit: currency, nullable: true, min: 0, meaning: Predicted value now}
  p_purchase_90d_before:  {type: DOUBLE, min: 0, max: 1, meaning: Probability then to buy within 90 days}
  p_purchase_90d:         {type: DOUBLE, min: 0, max: 1, meaning: Probability now to buy within 90 days}
  change:                 {type: DOUBLE, max: -0.3, meaning: Relative change of that probability}
  recency_days:           {type: BIGINT, unit: days, min: 0, meaning: Days since the last occasion}
  revenue_12_months:      {type: "DECIMAL(18,2)", label: "Revenue, 12 months", unit: currency, meaning: Revenue of the last 365 days}
  model:                  {type: VARCHAR, meaning: Timing model of the probabilities}
*/
WITH ranked AS (
  SELECT
    customer_id,
    p_purchase_90d,
    predicted_clv,
    rank() OVER (ORDER BY predicted_clv DESC) AS place,
    count(*) OVER () AS customers
  FROM marts.clv_before
  WHERE snapshot_date = $snapshot_date
),
objected AS (
  SELECT customer_id
  FROM staging.objections
  WHERE since_on <= $snapshot_date
  GROUP BY customer_id
)
SELECT
  $snapshot_date AS snapshot_date,
  ranked.customer_id,
  $snapshot_date - 30 AS compared_with,
  ranked.predicted_clv AS predicted_clv_before,
  clv.predicted_clv,
  ranked.p_purchase_90d AS p_purchase_90d_before,
  now.p_purchase_90d,
  now.p_purchase_90d / nullif(ranked.p_purchase_90d, 0) - 1 AS change,
  summary.recency_days,
  summary.revenue_12_months,
  now.probability_model AS model
FROM ranked
JOIN marts.customer_summary AS summary
  ON summary.snapshot_date = $snapshot_date AND summary.customer_id = ranked.customer_id
JOIN marts.clv_predictions AS clv
  ON clv.snapshot_date = $snapshot_date AND clv.customer_id = ranked.customer_id
JOIN marts.timing_predictions AS now
  ON now.snapshot_date = $snapshot_date
  AND now.as_of = $snapshot_date
  AND now.frequency = summary.frequency
  AND now.active_span_days = summary.active_span_days
  AND now.age_days = summary.age_days
LEFT JOIN objected ON objected.customer_id = ranked.customer_id
WHERE objected.customer_id IS NULL
  AND 10 * ranked.place <= ranked.customers
  AND now.p_purchase_90d <= 0.7 * ranked.p_purchase_90d
