"""What the page on the activity trend asks the warehouse: SELECTs in the portable subset, as those of `queries`.

They return aggregates; where customers are listed, at most the first twenty, by id.
"""

BASE = """
SELECT
  window_days,
  prior_from,
  recent_from,
  base_customers,
  alpha,
  share_from,
  share_prior,
  share_recent,
  expected_share,
  n_min
FROM marts.trend_base
WHERE snapshot_date = $snapshot_date
"""

FIRST_PURCHASE = """
SELECT min(first_purchase_on) AS first_on
FROM marts.customer_summary
WHERE snapshot_date = $snapshot_date
"""

# Of this snapshot and the earlier ones.
SUMMARY = """
SELECT snapshot_date, activity_trend, customers, by_chance, revenue_12_months, predicted_clv, window_days
FROM marts.activity_trend_summary
WHERE snapshot_date <= $snapshot_date
ORDER BY snapshot_date, activity_trend
"""

PREVIOUS = """
SELECT max(previous_snapshot_date) AS snapshot_date
FROM marts.segment_changes
WHERE snapshot_date = $snapshot_date AND catalogue = 'activity_trend'
"""

MOVERS = """
SELECT
  events.customer_id,
  events.from_segment,
  events.to_segment,
  events.direction,
  trend.prior_occasions,
  trend.recent_occasions,
  events.value_at_stake,
  events.predicted_clv
FROM marts.segment_events AS events
JOIN marts.activity_trend AS trend
  ON trend.snapshot_date = events.snapshot_date AND trend.customer_id = events.customer_id
WHERE events.snapshot_date = $snapshot_date
  AND events.catalogue = 'activity_trend'
  AND events.direction <> 'same'
ORDER BY events.value_at_stake DESC, events.customer_id
LIMIT 20
"""

RATIOS = """
WITH placed AS (
  SELECT
    activity_trend,
    customers,
    CASE
      WHEN recent_occasions = 0 THEN 0
      WHEN prior_occasions = 0 THEN 8
      WHEN rate_ratio < 0.25 THEN 1
      WHEN rate_ratio < 0.5 THEN 2
      WHEN rate_ratio < 0.8 THEN 3
      WHEN rate_ratio <= 1.25 THEN 4
      WHEN rate_ratio <= 2 THEN 5
      WHEN rate_ratio <= 4 THEN 6
      ELSE 7
    END AS bin
  FROM marts.trend_pairs
  WHERE snapshot_date = $snapshot_date
)
SELECT bin, activity_trend, sum(customers)::BIGINT AS customers
FROM placed
GROUP BY bin, activity_trend
ORDER BY bin, activity_trend
"""

SEGMENTS = """
SELECT segments.segment, trend.activity_trend, count(*) AS customers
FROM marts.rfm_segments AS segments
JOIN marts.activity_trend AS trend
  ON trend.snapshot_date = segments.snapshot_date AND trend.customer_id = segments.customer_id
WHERE segments.snapshot_date = $snapshot_date AND segments.catalogue = 'grid'
GROUP BY segments.segment, trend.activity_trend
ORDER BY segments.segment, trend.activity_trend
"""

ALL = {name.lower(): text for name, text in list(globals().items()) if name.isupper() and isinstance(text, str)}
