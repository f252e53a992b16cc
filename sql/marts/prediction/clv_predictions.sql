/*
description: "Value of every customer: what was earned, what is expected over the horizon, and both. Without enough data the expectation is null and the status says so."
grain: [snapshot_date, customer_id]
owner: team:crm
columns:
  snapshot_date:             {type: DATE, meaning: The day whose end the row describes}
  customer_id:               {type: VARCHAR, meaning: Customer of the shop}
  status:                    {type: VARCHAR, meaning: "What the champions say, of counts and of every probability, as purchases and dates follow from both: ok, season_unknown (of one of them: in season, and a year ago is not known, so that sizes may be far off), not_validated (too short a history for a holdout of one), or insufficient data: then nothing is predicted", values: [ok, season_unknown, not_validated, insufficient data]}
  model:                     {type: VARCHAR, nullable: true, meaning: "Timing model of counts and value, or the one whose counts boosted trees spread (champions)"}
  spend_model:               {type: VARCHAR, nullable: true, meaning: "Model of spend; mean: every occasion counts as the mean of all"}
  p_alive:                   {type: DOUBLE, nullable: true, min: 0, max: 1, meaning: "Probability of not having dropped out; a latent quantity, not the complement of churn"}
  expected_purchases_30d:    {type: DOUBLE, unit: occasions, nullable: true, min: 0, meaning: "Expected occasions in the next 30 days, never fewer than the probability of one"}
  expected_purchases_90d:    {type: DOUBLE, unit: occasions, nullable: true, min: 0, meaning: "Expected occasions in the next 90 days, never fewer than the probability of one"}
  expected_purchases_180d:   {type: DOUBLE, unit: occasions, nullable: true, min: 0, meaning: "Expected occasions in the next 180 days, never fewer than the probability of one"}
  expected_purchases_365d:   {type: DOUBLE, unit: occasions, nullable: true, min: 0, meaning: "Expected occasions in the next 365 days, never fewer than the probability of one"}
  expected_spend:            {type: DOUBLE, unit: currency, nullable: true, min: 0, meaning: Expected value of one occasion}
  p_purchase_365d:           {type: DOUBLE, nullable: true, min: 0, max: 1, meaning: Probability of at least one occasion in the next 365 days}
  next_purchase_from:        {type: DATE, nullable: true, meaning: "Day by which one in ten like this has bought, of those who buy within 365 days"}
  next_purchase_median:      {type: DATE, nullable: true, meaning: Day by which half of them have bought}
  next_purchase_to:          {type: DATE, nullable: true, meaning: Day by which nine in ten of them have bought}
  historic_clv:              {type: "DECIMAL(18,2)", unit: currency, meaning: Net revenue up to the snapshot date}
  predicted_clv:             {type: DOUBLE, label: Predicted value, unit: currency, nullable: true, min: 0, meaning: "Expected spend × discounted expected occasions of the horizon × share kept after refunds × margin, rounded to the cent"}
  total_clv:                 {type: DOUBLE, unit: currency, nullable: true, meaning: Historic and predicted value}
  clv_standard_error:        {type: DOUBLE, unit: currency, nullable: true, min: 0, meaning: Standard error of predicted_clv as a mean (delta method)}
  clv_low:                   {type: DOUBLE, unit: currency, nullable: true, min: 0, meaning: "Lower end of the 80 % predictive interval, as corrected by its holdout (interval_coverage): one customer in ten like this brings less. 0 where spending nothing is itself likely: then two in ten bring more than clv_high"}
  clv_high:                  {type: DOUBLE, unit: currency, nullable: true, min: 0, meaning: "Upper end of it: one customer in ten like this brings more, two in ten where the interval begins at nothing"}
tests:
  every_customer_has_a_value: |
    SELECT summary.customer_id
    FROM marts.customer_summary AS summary
    LEFT JOIN marts.clv_predictions AS values
      ON values.customer_id = summary.customer_id AND values.snapshot_date = $snapshot_date
    WHERE summary.snapshot_date = $snapshot_date AND values.customer_id IS NULL
  predicted_values_are_inside_their_intervals: |
    SELECT customer_id, clv_low, predicted_clv, clv_high
    FROM marts.clv_predictions
    WHERE snapshot_date = $snapshot_date AND (predicted_clv < clv_low OR predicted_clv > clv_high)
  purchases_are_at_least_as_many_as_likely: |
    SELECT clv.customer_id
    FROM marts.clv_predictions AS clv
    JOIN marts.churn_predictions AS churn
      ON churn.snapshot_date = $snapshot_date AND churn.customer_id = clv.customer_id
    WHERE clv.snapshot_date = $snapshot_date
      AND (
        clv.expected_purchases_30d < churn.p_purchase_30d - 0.000000001
        OR clv.expected_purchases_90d < churn.p_purchase_90d - 0.000000001
        OR clv.expected_purchases_180d < churn.p_purchase_180d - 0.000000001
        OR clv.expected_purchases_365d < churn.p_purchase_365d - 0.000000001
      )
  purchases_grow_with_the_horizon: |
    SELECT customer_id, expected_purchases_30d, expected_purchases_90d, expected_purchases_180d, expected_purchases_365d
    FROM marts.clv_predictions
    WHERE snapshot_date = $snapshot_date
      AND (
        expected_purchases_30d > expected_purchases_90d + 0.000000001
        OR expected_purchases_90d > expected_purchases_180d + 0.000000001
        OR expected_purchases_180d > expected_purchases_365d + 0.000000001
      )
  next_purchases_are_in_order: |
    SELECT customer_id, next_purchase_from, next_purchase_median, next_purchase_to
    FROM marts.clv_predictions
    WHERE snapshot_date = $snapshot_date
      AND (
        next_purchase_from <= $snapshot_date
        OR next_purchase_from > next_purchase_median
        OR next_purchase_median > next_purchase_to
        OR next_purchase_to > $snapshot_date + 365
      )
  # A day by which a share of those who buy within a year have bought lies where the probabilities put it. The day after a
  # horizon may be the one on which it ends, to the last digit.
  next_purchases_follow_from_the_probabilities: |
    WITH dates AS (
      SELECT customer_id, 0.1::DOUBLE AS share, next_purchase_from AS day
      FROM marts.clv_predictions
      WHERE snapshot_date = $snapshot_date
      UNION ALL
      SELECT customer_id, 0.5::DOUBLE AS share, next_purchase_median AS day
      FROM marts.clv_predictions
      WHERE snapshot_date = $snapshot_date
      UNION ALL
      SELECT customer_id, 0.9::DOUBLE AS share, next_purchase_to AS day
      FROM marts.clv_predictions
      WHERE snapshot_date = $snapshot_date
    )
    SELECT dates.customer_id, dates.share, dates.day
    FROM dates
    JOIN marts.churn_predictions AS churn
      ON churn.snapshot_date = $snapshot_date AND churn.customer_id = dates.customer_id
    WHERE (dates.day <= $snapshot_date + 30 AND churn.p_purchase_30d < dates.share * churn.p_purchase_365d - 0.000000001)
      OR (dates.day <= $snapshot_date + 90 AND churn.p_purchase_90d < dates.share * churn.p_purchase_365d - 0.000000001)
      OR (dates.day <= $snapshot_date + 180 AND churn.p_purchase_180d < dates.share * churn.p_purchase_365d - 0.000000001)
      OR (dates.day > $snapshot_date + 31 AND churn.p_purchase_30d > dates.share * churn.p_purchase_365d + 0.000000001)
      OR (dates.day > $snapshot_date + 91 AND churn.p_purchase_90d > dates.share * churn.p_purchase_365d + 0.000000001)
      OR (dates.day > $snapshot_date + 181 AND churn.p_purchase_180d > dates.share * churn.p_purchase_365d + 0.000000001)
*/
WITH champions AS (
  SELECT
    CASE WHEN count(*) FILTER (WHERE status = 'season_unknown') > 0 THEN 'season_unknown' ELSE min(status) END AS status
  FROM marts.champions
  WHERE snapshot_date = $snapshot_date
),
spend AS (
  SELECT
    max(estimate) FILTER (WHERE model = 'gamma_gamma' AND parameter = 'v') AS v,
    max(estimate) FILTER (WHERE model = 'shop' AND parameter = 'mean_spend') AS mean_spend,
    max(estimate) FILTER (WHERE model = 'shop' AND parameter = 'kept_share') AS kept_share
  FROM marts.model_parameters
  WHERE snapshot_date = $snapshot_date
),
customers AS (
  SELECT
    summary.customer_id,
    summary.revenue,
    summary.frequency,
    summary.active_span_days,
    summary.age_days,
    spend.v,
    spend.kept_share,
    CASE WHEN spend.v IS NULL THEN 'mean' ELSE 'gamma_gamma' END AS spend_model,
    CASE
      WHEN spend.v IS NULL THEN spend.mean_spend
      ELSE spend.v + summary.frequency * coalesce(summary.monetary_value, spend.mean_spend)
    END AS spend_total
  FROM marts.customer_summary AS summary
  CROSS JOIN spend
  WHERE summary.snapshot_date = $snapshot_date
),
valued AS (
  SELECT
    customers.customer_id,
    customers.revenue,
    customers.spend_model,
    customers.spend_total,
    customers.v / nullif(customers.spend_total, 0) AS u,
    timing.model,
    timing.p_alive,
    timing.expected_purchases_30d AS timing_30d,
    timing.expected_purchases_90d AS timing_90d,
    timing.expected_purchases_180d AS timing_180d,
    timing.expected_purchases_365d AS timing_365d,
    timing.expected_purchases_30d * coalesce(scores.purchases_factor, 1.0) AS expected_purchases_30d,
    timing.expected_purchases_90d * coalesce(scores.purchases_factor, 1.0) AS expected_purchases_90d,
    timing.expected_purchases_180d * coalesce(scores.purchases_factor, 1.0) AS expected_purchases_180d,
    timing.expected_purchases_365d * coalesce(scores.purchases_factor, 1.0) AS expected_purchases_365d,
    customers.spend_total * timing.spend_factor AS expected_spend,
    churn.p_purchase_30d,
    churn.p_purchase_90d,
    churn.p_purchase_180d,
    churn.p_purchase_365d,
    coalesce(scores.next_purchase_early_days, timing.next_purchase_early_days) AS next_purchase_early_days,
    coalesce(scores.next_purchase_median_days, timing.next_purchase_median_days) AS next_purchase_median_days,
    coalesce(scores.next_purchase_late_days, timing.next_purchase_late_days) AS next_purchase_late_days,
    customers.spend_total * timing.spend_factor * timing.discounted_purchases * coalesce(scores.purchases_factor, 1.0)
      * customers.kept_share AS predicted_clv,
    timing.value_variance_0,
    timing.value_variance_1,
    timing.value_variance_2,
    customers.spend_total * timing.value_low_factor * coalesce(scores.purchases_factor, 1.0) * customers.kept_share
      AS clv_low,
    customers.spend_total * timing.value_high_factor * coalesce(scores.purchases_factor, 1.0) * customers.kept_share
      AS clv_high
  FROM customers
  LEFT JOIN marts.timing_predictions AS timing
    ON timing.snapshot_date = $snapshot_date
    AND timing.as_of = $snapshot_date
    AND timing.frequency = customers.frequency
    AND timing.active_span_days = customers.active_span_days
    AND timing.age_days = customers.age_days
  LEFT JOIN marts.churn_predictions AS churn
    ON churn.snapshot_date = $snapshot_date AND churn.customer_id = customers.customer_id
  LEFT JOIN marts.classifier_scores AS scores
    ON scores.snapshot_date = $snapshot_date AND scores.customer_id = customers.customer_id
),
-- Where one purchase is likelier than the model of counts expects purchases, as many are expected. What that adds is
-- taken off the purchases beyond the first of all others, so that the sum stays what the timing model of counts says.
beyond AS (
  SELECT
    greatest(0.0, sum(timing_30d - p_purchase_30d))
      / nullif(sum(greatest(0.0, expected_purchases_30d - p_purchase_30d)), 0) AS kept_30d,
    greatest(0.0, sum(timing_90d - p_purchase_90d))
      / nullif(sum(greatest(0.0, expected_purchases_90d - p_purchase_90d)), 0) AS kept_90d,
    greatest(0.0, sum(timing_180d - p_purchase_180d))
      / nullif(sum(greatest(0.0, expected_purchases_180d - p_purchase_180d)), 0) AS kept_180d,
    greatest(0.0, sum(timing_365d - p_purchase_365d))
      / nullif(sum(greatest(0.0, expected_purchases_365d - p_purchase_365d)), 0) AS kept_365d
  FROM valued
),
expected AS (
  SELECT
    customer_id,
    p_purchase_30d + coalesce(beyond.kept_30d, 0.0) * greatest(0.0, expected_purchases_30d - p_purchase_30d)
      AS expected_purchases_30d,
    p_purchase_90d + coalesce(beyond.kept_90d, 0.0) * greatest(0.0, expected_purchases_90d - p_purchase_90d)
      AS expected_purchases_90d,
    p_purchase_180d + coalesce(beyond.kept_180d, 0.0) * greatest(0.0, expected_purchases_180d - p_purchase_180d)
      AS expected_purchases_180d,
    p_purchase_365d + coalesce(beyond.kept_365d, 0.0) * greatest(0.0, expected_purchases_365d - p_purchase_365d)
      AS expected_purchases_365d
  FROM valued
  CROSS JOIN beyond
)
SELECT
  $snapshot_date AS snapshot_date,
  valued.customer_id,
  CASE WHEN valued.predicted_clv IS NULL THEN 'insufficient data' ELSE coalesce(champions.status, 'insufficient data') END AS status,
  valued.model,
  CASE WHEN valued.model IS NOT NULL THEN valued.spend_model END AS spend_model,
  valued.p_alive,
  expected.expected_purchases_30d,
  greatest(expected.expected_purchases_30d, expected.expected_purchases_90d) AS expected_purchases_90d,
  greatest(expected.expected_purchases_30d, expected.expected_purchases_90d, expected.expected_purchases_180d)
    AS expected_purchases_180d,
  greatest(
    expected.expected_purchases_30d,
    expected.expected_purchases_90d,
    expected.expected_purchases_180d,
    expected.expected_purchases_365d
  ) AS expected_purchases_365d,
  valued.expected_spend,
  valued.p_purchase_365d,
  $snapshot_date + ceil(valued.next_purchase_early_days)::INTEGER AS next_purchase_from,
  $snapshot_date + ceil(valued.next_purchase_median_days)::INTEGER AS next_purchase_median,
  $snapshot_date + ceil(valued.next_purchase_late_days)::INTEGER AS next_purchase_to,
  valued.revenue AS historic_clv,
  floor(100 * valued.predicted_clv + 0.5) / 100 AS predicted_clv,
  valued.revenue::DOUBLE + floor(100 * valued.predicted_clv + 0.5) / 100 AS total_clv,
  CASE
    WHEN valued.value_variance_0 IS NOT NULL
      THEN valued.predicted_clv * sqrt(
        greatest(
          0.0,
          valued.value_variance_0 + valued.value_variance_1 * valued.u + valued.value_variance_2 * valued.u * valued.u
        )
      )
  END AS clv_standard_error,
  -- Rounded as the value is, so that this stays between them.
  floor(100 * valued.clv_low + 0.5) / 100 AS clv_low,
  floor(100 * valued.clv_high + 0.5) / 100 AS clv_high
FROM valued
CROSS JOIN champions
JOIN expected ON expected.customer_id = valued.customer_id
