/*
description: "What every customer of 30 days ago was expected to bring then, under the parameters of the snapshot date: so that a change since is the customer's, not the model's. Empty without predictions."
grain: [snapshot_date, customer_id]
owner: team:data
columns:
  snapshot_date:  {type: DATE, meaning: Day whose parameters are used}
  customer_id:    {type: VARCHAR, meaning: Customer of the shop}
  as_of:          {type: DATE, meaning: "30 days before: the day at whose end the customer is valued"}
  p_purchase_90d: {type: DOUBLE, min: 0, max: 1, meaning: Probability then to buy within 90 days}
  predicted_clv:  {type: DOUBLE, label: Predicted value, unit: currency, min: 0, meaning: "Predicted value then, rounded to the cent; where counts are spread by trees, by the factor of the customer on the snapshot date"}
*/
WITH standing AS (
  SELECT customer_id, occasion_on, sum(amount)::DOUBLE AS amount
  FROM staging.occasions
  WHERE known_on <= $snapshot_date - 30
  GROUP BY customer_id, occasion_on
  HAVING sum(orders) > 0
),
placed AS (
  SELECT
    customer_id,
    occasion_on,
    amount,
    row_number() OVER (PARTITION BY customer_id ORDER BY occasion_on) AS place
  FROM standing
),
histories AS (
  SELECT
    customer_id,
    count(*) - 1 AS frequency,
    date_diff('day', min(occasion_on), max(occasion_on)) AS active_span_days,
    date_diff('day', min(occasion_on), $snapshot_date - 30) AS age_days,
    coalesce(sum(amount) FILTER (WHERE place > 1), 0.0) AS repeat_amount
  FROM placed
  GROUP BY customer_id
),
spend AS (
  SELECT
    max(estimate) FILTER (WHERE model = 'gamma_gamma' AND parameter = 'v') AS v,
    max(estimate) FILTER (WHERE model = 'shop' AND parameter = 'mean_spend') AS mean_spend,
    max(estimate) FILTER (WHERE model = 'shop' AND parameter = 'kept_share') AS kept_share
  FROM marts.model_parameters
  WHERE snapshot_date = $snapshot_date
)
SELECT
  $snapshot_date AS snapshot_date,
  histories.customer_id,
  $snapshot_date - 30 AS as_of,
  timing.p_purchase_90d,
  floor(
    100 * spend.kept_share * timing.discounted_purchases * coalesce(scores.purchases_factor, 1.0) * timing.spend_factor * CASE
      WHEN spend.v IS NULL THEN spend.mean_spend
      WHEN histories.repeat_amount > 0 THEN spend.v + histories.repeat_amount
      ELSE spend.v + histories.frequency * spend.mean_spend
    END + 0.5
  ) / 100 AS predicted_clv
FROM histories
CROSS JOIN spend
JOIN marts.timing_predictions AS timing
  ON timing.snapshot_date = $snapshot_date
  AND timing.as_of = $snapshot_date - 30
  AND timing.frequency = histories.frequency
  AND timing.active_span_days = histories.active_span_days
  AND timing.age_days = histories.age_days
LEFT JOIN marts.classifier_scores AS scores
  ON scores.snapshot_date = $snapshot_date AND scores.customer_id = histories.customer_id
