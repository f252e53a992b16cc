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
