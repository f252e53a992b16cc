/*
description: "Probability that a customer buys within 30 and 90 days, and that they do not buy within the churn horizon, each from the model that was best on the holdout; and what agrees with them within 180 and 365 days. Coherent: a longer horizon is never less likely."
grain: [snapshot_date, customer_id]
owner: team:crm
columns:
  snapshot_date:      {type: DATE, meaning: The day whose end the row describes}
  customer_id:        {type: VARCHAR, meaning: Customer of the shop}
  status:             {type: VARCHAR, meaning: "ok, season_unknown (in season, and a year ago is not known: sizes may be far off), not_validated (too short a history for a holdout), or insufficient data", values: [ok, season_unknown, not_validated, insufficient data]}
  p_purchase_30d:     {type: DOUBLE, nullable: true, min: 0, max: 1, meaning: Probability of at least one occasion in the next 30 days}
  p_purchase_90d:     {type: DOUBLE, nullable: true, min: 0, max: 1, meaning: Probability of at least one occasion in the next 90 days}
  p_purchase_180d:    {type: DOUBLE, nullable: true, min: 0, max: 1, meaning: "Probability of at least one occasion in the next 180 days: of the curve through the other probabilities"}
  p_purchase_365d:    {type: DOUBLE, nullable: true, min: 0, max: 1, meaning: "Probability of at least one occasion in the next 365 days: of the same curve"}
  churn_probability:  {type: DOUBLE, nullable: true, min: 0, max: 1, meaning: Probability of no occasion within churn_horizon_days}
  churn_horizon_days: {type: INTEGER, unit: days, nullable: true, min: 1, meaning: "The churn horizon of the day, as chosen or set (churn_horizons); rows of different horizons are not to be compared. Null without predictions"}
  purchase_band:      {type: VARCHAR, nullable: true, meaning: Band of p_purchase_30d, values: [0-25, 26-50, 51-75, 76-100]}
  churn_band:         {type: VARCHAR, nullable: true, meaning: Band of churn_probability, values: [0-25, 26-50, 51-75, 76-100]}
  model_30d:          {type: VARCHAR, nullable: true, meaning: Model of p_purchase_30d}
  model_90d:          {type: VARCHAR, nullable: true, meaning: Model of p_purchase_90d}
  model_churn:        {type: VARCHAR, nullable: true, meaning: Model of churn_probability}
tests:
  probabilities_are_coherent: |
    SELECT customer_id, p_purchase_30d, p_purchase_90d, p_purchase_180d, p_purchase_365d, churn_probability,
      churn_horizon_days
    FROM marts.churn_predictions
    WHERE snapshot_date = $snapshot_date
      AND (
        p_purchase_30d > p_purchase_90d + 0.000000001
        OR p_purchase_90d > p_purchase_180d + 0.000000001
        OR p_purchase_180d > p_purchase_365d + 0.000000001
        OR (churn_horizon_days >= 30 AND p_purchase_30d > 1 - churn_probability + 0.000000001)
        OR (churn_horizon_days >= 90 AND p_purchase_90d > 1 - churn_probability + 0.000000001)
        OR (churn_horizon_days >= 180 AND p_purchase_180d > 1 - churn_probability + 0.000000001)
        OR (churn_horizon_days >= 365 AND p_purchase_365d > 1 - churn_probability + 0.000000001)
        OR (churn_horizon_days <= 30 AND 1 - churn_probability > p_purchase_30d + 0.000000001)
        OR (churn_horizon_days <= 90 AND 1 - churn_probability > p_purchase_90d + 0.000000001)
        OR (churn_horizon_days <= 180 AND 1 - churn_probability > p_purchase_180d + 0.000000001)
        OR (churn_horizon_days <= 365 AND 1 - churn_probability > p_purchase_365d + 0.000000001)
      )
*/
WITH champions AS (
  SELECT
    max(model) FILTER (WHERE target = 'purchase_30d') AS model_30d,
    max(model) FILTER (WHERE target = 'purchase_90d') AS model_90d,
    max(model) FILTER (WHERE target = 'churn') AS model_churn,
    max(horizon_days) FILTER (WHERE target = 'churn') AS churn_horizon_days,
    CASE
      WHEN count(*) FILTER (WHERE status = 'season_unknown' AND target <> 'counts') > 0 THEN 'season_unknown'
      ELSE min(status) FILTER (WHERE target <> 'counts')
    END AS status
  FROM marts.champions
  WHERE snapshot_date = $snapshot_date
),
chances AS (
  SELECT
    summary.customer_id,
    champions.status,
    champions.model_30d,
    champions.model_90d,
    champions.model_churn,
    champions.churn_horizon_days,
    coalesce(scores.p_purchase_30d, timing.p_purchase_30d) AS p_purchase_30d,
    coalesce(scores.p_purchase_90d, timing.p_purchase_90d) AS p_purchase_90d,
    coalesce(scores.p_purchase_180d, timing.p_purchase_180d) AS p_purchase_180d,
    coalesce(scores.p_purchase_365d, timing.p_purchase_365d) AS p_purchase_365d,
    1 - coalesce(scores.p_purchase_churn, timing.p_purchase_churn) AS churn_probability
  FROM marts.customer_summary AS summary
  CROSS JOIN champions
  LEFT JOIN marts.timing_predictions AS timing
    ON timing.snapshot_date = $snapshot_date
    AND timing.as_of = $snapshot_date
    AND timing.frequency = summary.frequency
    AND timing.active_span_days = summary.active_span_days
    AND timing.age_days = summary.age_days
  LEFT JOIN marts.classifier_scores AS scores
    ON scores.snapshot_date = $snapshot_date AND scores.customer_id = summary.customer_id
  WHERE summary.snapshot_date = $snapshot_date
)
SELECT
  $snapshot_date AS snapshot_date,
  customer_id,
  CASE WHEN p_purchase_30d IS NULL THEN 'insufficient data' ELSE coalesce(status, 'insufficient data') END AS status,
  p_purchase_30d,
  p_purchase_90d,
  p_purchase_180d,
  p_purchase_365d,
  churn_probability,
  churn_horizon_days,
  CASE
    WHEN p_purchase_30d <= 0.25 THEN '0-25'
    WHEN p_purchase_30d <= 0.5 THEN '26-50'
    WHEN p_purchase_30d <= 0.75 THEN '51-75'
    WHEN p_purchase_30d <= 1 THEN '76-100'
  END AS purchase_band,
  CASE
    WHEN churn_probability <= 0.25 THEN '0-25'
    WHEN churn_probability <= 0.5 THEN '26-50'
    WHEN churn_probability <= 0.75 THEN '51-75'
    WHEN churn_probability <= 1 THEN '76-100'
  END AS churn_band,
  CASE WHEN p_purchase_30d IS NOT NULL THEN model_30d END AS model_30d,
  CASE WHEN p_purchase_30d IS NOT NULL THEN model_90d END AS model_90d,
  CASE WHEN p_purchase_30d IS NOT NULL THEN model_churn END AS model_churn
FROM chances
