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

BACKTEST = """
SELECT projected, actual, mean_before, is_inside
FROM marts.projection_backtest
WHERE snapshot_date = $snapshot_date
ORDER BY ends_on
"""

ALL = {name.lower(): text for name, text in list(globals().items()) if name.isupper() and isinstance(text, str)}
