"""What the pages on predictions ask the warehouse: SELECTs in the portable subset, as those of `queries`.

They return aggregates; where customers are listed, at most the first twenty, by id.
"""

CHAMPIONS = """
SELECT target, horizon_days, model, timing_model, status, score, reason
FROM marts.champions
WHERE snapshot_date = $snapshot_date
ORDER BY target
"""

SEASON = """
SELECT horizon_days, status, factor, basis, expected, actual, recent_ratio
FROM marts.season_clock
WHERE snapshot_date = $snapshot_date
ORDER BY horizon_days
"""

CHURN_HORIZONS = """
SELECT horizon_days, decided_on, buyers, silent_share, churn_horizon_days, chosen_by, previous_churn_horizon_days
FROM marts.churn_horizons
WHERE snapshot_date = $snapshot_date
ORDER BY horizon_days
"""

GATE = """
SELECT
  count(*) AS buyers,
  count(*) FILTER (WHERE age_days < 30) AS new_buyers,
  count(*) FILTER (WHERE occasions >= 3) AS frequent,
  max(age_days) AS history_days,
  min(recency_days) AS silent_days
FROM marts.customer_summary
WHERE snapshot_date = $snapshot_date
"""

RISING_TOTALS = """
SELECT
  count(*) AS customers,
  sum(predicted_clv) AS predicted_clv,
  coalesce(sum(historic_clv), 0)::DECIMAL(18,2) AS historic_clv
FROM marts.rising_customers
WHERE snapshot_date = $snapshot_date
"""

RISING = """
SELECT customer_id, predicted_clv, historic_clv, predicted_rank, historic_rank
FROM marts.rising_customers
WHERE snapshot_date = $snapshot_date
ORDER BY predicted_rank, customer_id
LIMIT 20
"""

PROBABILITY_TOTALS = """
SELECT
  count(p_purchase_30d) AS customers,
  sum(p_purchase_30d) AS buyers_30d,
  sum(p_purchase_90d) AS buyers_90d,
  sum(churn_probability) AS churners,
  count(*) FILTER (WHERE churn_probability > 0.75) AS likely_churners
FROM marts.churn_predictions
WHERE snapshot_date = $snapshot_date AND p_purchase_30d IS NOT NULL
"""

# Bands that say the same for every shop, so that two shops and two nights can be compared.
ACTIVITY_GRID = """
WITH placed AS (
  SELECT
    CASE
      WHEN summary.recency_days < 30 THEN 1
      WHEN summary.recency_days < 90 THEN 2
      WHEN summary.recency_days < 180 THEN 3
      WHEN summary.recency_days < 365 THEN 4
      WHEN summary.recency_days < 730 THEN 5
      ELSE 6
    END AS recency_band,
    CASE
      WHEN summary.occasions < 3 THEN summary.occasions
      WHEN summary.occasions < 5 THEN 3
      WHEN summary.occasions < 10 THEN 4
      ELSE 5
    END AS frequency_band,
    churn.p_purchase_30d,
    churn.p_purchase_90d,
    churn.churn_probability
  FROM marts.customer_summary AS summary
  JOIN marts.churn_predictions AS churn
    ON churn.snapshot_date = summary.snapshot_date AND churn.customer_id = summary.customer_id
  WHERE summary.snapshot_date = $snapshot_date AND churn.p_purchase_30d IS NOT NULL
)
SELECT
  recency_band,
  frequency_band,
  count(*) AS customers,
  avg(p_purchase_30d) AS p_purchase_30d,
  avg(p_purchase_90d) AS p_purchase_90d,
  avg(churn_probability) AS churn_probability
FROM placed
GROUP BY recency_band, frequency_band
ORDER BY recency_band, frequency_band
"""

PROPENSITY_GRID = """
SELECT purchase_band, churn_band, is_possible, customers, predicted_clv, revenue_at_risk
FROM marts.propensity_grid
WHERE snapshot_date = $snapshot_date
ORDER BY purchase_band, churn_band
"""

ALERT_TOTALS = """
SELECT
  count(*) AS customers,
  coalesce(sum(revenue_12_months), 0)::DECIMAL(18,2) AS revenue_12_months,
  sum(predicted_clv_before) AS predicted_clv_before,
  sum(predicted_clv) AS predicted_clv
FROM marts.premium_alerts
WHERE snapshot_date = $snapshot_date
"""

ALERTS = """
SELECT customer_id, p_purchase_90d_before, p_purchase_90d, predicted_clv_before, predicted_clv, recency_days,
  revenue_12_months
FROM marts.premium_alerts
WHERE snapshot_date = $snapshot_date
ORDER BY predicted_clv_before DESC, customer_id
LIMIT 20
"""

VALIDATION = """
SELECT target, model, metric, is_baseline, origin, horizon_days, customers, value
FROM marts.model_validation
WHERE snapshot_date = $snapshot_date
ORDER BY target, is_baseline, model, metric
"""

CALIBRATION = """
SELECT target, model, bin, customers, predicted, observed, low, high
FROM marts.calibration_curve
WHERE snapshot_date = $snapshot_date
ORDER BY target, model, bin
"""

EXPECTATION = """
SELECT model, frequency, customers, expected, observed
FROM marts.conditional_expectation
WHERE snapshot_date = $snapshot_date
ORDER BY frequency, model
"""

INTERVALS = """
SELECT frequency_class, customers, customers_of_nothing, promised, coverage_of_model, coverage, widened_by, is_own,
  model, origin, horizon_days
FROM marts.interval_coverage
WHERE snapshot_date = $snapshot_date AND is_published
ORDER BY place
"""

BACKTEST = """
SELECT ends_on, begins_after, customers, projected, low, high, actual, mean_before, is_inside
FROM marts.projection_backtest
WHERE snapshot_date = $snapshot_date
ORDER BY ends_on
"""

DECILES = """
SELECT target, model, decile, customers, predicted, observed, lift, captured
FROM marts.decile_chart
WHERE snapshot_date = $snapshot_date
ORDER BY target, model, decile
"""

TRACKING = """
SELECT week, week_ends_on, is_holdout, model, actual, expected, actual_cumulative, expected_cumulative
FROM marts.tracking
WHERE snapshot_date = $snapshot_date
ORDER BY week
"""

# Of this snapshot and the earlier ones: what a parameter was when.
PARAMETERS = """
SELECT snapshot_date, model, parameter, estimate, standard_error
FROM marts.model_parameters
WHERE snapshot_date <= $snapshot_date
ORDER BY model, parameter, snapshot_date
"""

FITS = """
SELECT origin, asked_for, model, status, reason, log_likelihood, aic, bic, customers, groups, iterations, penalty,
  binning_error
FROM marts.model_fits
WHERE snapshot_date = $snapshot_date
ORDER BY origin DESC, asked_for
"""

ALL = {name.lower(): text for name, text in list(globals().items()) if name.isupper() and isinstance(text, str)}
