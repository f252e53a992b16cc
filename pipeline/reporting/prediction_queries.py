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

VALUE_TOTALS = """
SELECT
  count(predicted_clv) AS customers,
  max(model) AS model,
  max(spend_model) AS spend_model,
  max(status) AS status,
  sum(historic_clv)::DECIMAL(18,2) AS historic_clv,
  sum(predicted_clv) AS predicted_clv,
  avg(predicted_clv) AS mean_clv,
  percentile_cont(0.5) WITHIN GROUP (ORDER BY predicted_clv) AS median_clv,
  sum(expected_purchases_365d) AS expected_purchases_365d
FROM marts.clv_predictions
WHERE snapshot_date = $snapshot_date AND predicted_clv IS NOT NULL
"""

# Thirty bins of one of the widths people read easily, from 0 to the 95th percentile or a little above; bin 30 is the
# rest.
VALUE_HISTOGRAM = """
WITH border AS (
  SELECT percentile_cont(0.95) WITHIN GROUP (ORDER BY predicted_clv) AS value
  FROM marts.clv_predictions
  WHERE snapshot_date = $snapshot_date AND predicted_clv IS NOT NULL
),
widths AS (
  SELECT digit * power AS width
  FROM (VALUES (1.0), (2.0), (2.5), (5.0)) AS digits (digit)
  CROSS JOIN (
    VALUES (0.01), (0.1), (1.0), (10.0), (100.0), (1000.0), (10000.0), (100000.0), (1000000.0)
  ) AS powers (power)
),
chosen AS (
  SELECT min(widths.width)::DOUBLE AS width
  FROM widths
  CROSS JOIN border
  WHERE widths.width * 30 >= border.value
),
placed AS (
  SELECT
    chosen.width,
    CASE
      WHEN clv.predicted_clv >= chosen.width * 30 THEN 30
      ELSE floor(clv.predicted_clv / nullif(chosen.width, 0))::INTEGER
    END AS bin,
    clv.predicted_clv
  FROM marts.clv_predictions AS clv
  CROSS JOIN chosen
  WHERE clv.snapshot_date = $snapshot_date AND clv.predicted_clv IS NOT NULL
)
SELECT bin, width, count(*) AS customers, sum(predicted_clv) AS predicted_clv, max(predicted_clv) AS highest
FROM placed
GROUP BY bin, width
ORDER BY bin
"""

# Percents of the customers, the most valuable first.
VALUE_SHARES = """
WITH ranked AS (
  SELECT
    predicted_clv,
    row_number() OVER (ORDER BY predicted_clv DESC, customer_id) AS place,
    count(*) OVER (PARTITION BY snapshot_date) AS customers
  FROM marts.clv_predictions
  WHERE snapshot_date = $snapshot_date AND predicted_clv IS NOT NULL
),
placed AS (
  SELECT 1 + floor((100 * (place - 1))::DOUBLE / nullif(customers::DOUBLE, 0))::INTEGER AS hundredth, predicted_clv
  FROM ranked
)
SELECT hundredth, count(*) AS customers, sum(predicted_clv) AS predicted_clv
FROM placed
GROUP BY hundredth
ORDER BY hundredth
"""

VALUE_SEGMENTS = """
SELECT
  segments.catalogue,
  segments.segment,
  count(*) AS customers,
  sum(clv.historic_clv)::DECIMAL(18,2) AS historic_clv,
  sum(clv.predicted_clv) AS predicted_clv
FROM marts.rfm_segments AS segments
JOIN marts.clv_predictions AS clv
  ON clv.snapshot_date = segments.snapshot_date AND clv.customer_id = segments.customer_id
WHERE segments.snapshot_date = $snapshot_date AND clv.predicted_clv IS NOT NULL
GROUP BY segments.catalogue, segments.segment
ORDER BY segments.catalogue, segments.segment
"""

# Six bins to a power of ten on both sides, at the ends all that lies beyond: 0.01 … 100 orders, and a thirtieth to
# thirty times the mean spend. So there are at most 24 × 19 bins, however many customers.
ORDERS_AND_SPEND = """
WITH mean AS (
  SELECT avg(expected_spend) AS spend
  FROM marts.clv_predictions
  WHERE snapshot_date = $snapshot_date AND predicted_clv IS NOT NULL
),
placed AS (
  SELECT
    floor(6 * ln(greatest(0.01, least(99.0, clv.expected_purchases_365d))) / nullif(ln(10.0), 0))::INTEGER
      AS orders_bin,
    floor(6 * ln(greatest(mean.spend / 30, least(mean.spend * 30, clv.expected_spend))) / nullif(ln(10.0), 0))::INTEGER
      AS spend_bin,
    clv.predicted_clv,
    clv.expected_purchases_365d * clv.expected_spend AS undiscounted
  FROM marts.clv_predictions AS clv
  CROSS JOIN mean
  WHERE clv.snapshot_date = $snapshot_date AND clv.predicted_clv IS NOT NULL AND mean.spend > 0
)
SELECT
  orders_bin,
  spend_bin,
  count(*) AS customers,
  sum(predicted_clv) AS predicted_clv,
  sum(undiscounted) AS undiscounted
FROM placed
GROUP BY orders_bin, spend_bin
ORDER BY orders_bin, spend_bin
"""

TOP_CUSTOMERS = """
SELECT customer_id, predicted_clv, clv_low, clv_high, clv_standard_error, expected_purchases_365d, expected_spend,
  historic_clv
FROM marts.clv_predictions
WHERE snapshot_date = $snapshot_date AND predicted_clv IS NOT NULL
ORDER BY predicted_clv DESC, customer_id
LIMIT 20
"""

BASE_AVERAGES = """
SELECT measure, unit, customers, mean, median, mean_low, mean_high
FROM marts.base_averages
WHERE snapshot_date = $snapshot_date
ORDER BY measure
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
