"""What the page on rhythm asks of the warehouse, as of `$snapshot_date`. Aggregates only."""

MOMENTS = """
SELECT
  order_number,
  cohort,
  horizon_days,
  is_main,
  status,
  silences,
  at_risk,
  returned,
  unwatched,
  share_back,
  share_back_low,
  share_back_high,
  back_p25_days,
  back_p50_days,
  back_p50_low,
  back_p50_high,
  back_p75_days,
  back_p75_low,
  back_p75_high,
  key_moment_days,
  key_moment_low,
  key_moment_high,
  limit_days,
  majority_days,
  majority_low,
  majority_high
FROM marts.key_moments
WHERE snapshot_date = $snapshot_date
ORDER BY order_number, cohort, horizon_days
"""

CURVES = """
SELECT order_number, silent_days AS day, share_back, share_low, share_high, at_risk
FROM marts.survival_curves
WHERE snapshot_date = $snapshot_date AND order_number <= 4
ORDER BY order_number, silent_days
"""

GAPS = """
SELECT
  gaps.grouping,
  gaps.group_name,
  gaps.is_selected,
  gaps.silences,
  gaps.ended,
  gaps.censored,
  gaps.p10_days,
  gaps.p20_days,
  gaps.p25_days,
  gaps.p30_days,
  gaps.p40_days,
  gaps.median_days,
  gaps.median_low,
  gaps.median_high,
  gaps.p60_days,
  gaps.p70_days,
  gaps.p75_days,
  gaps.p80_days,
  gaps.p90_days
FROM marts.purchase_gaps AS gaps
WHERE gaps.snapshot_date = $snapshot_date
ORDER BY gaps.grouping, gaps.group_name
"""

ALL = {
    "moments": MOMENTS,
    "curves": CURVES,
    "gaps": GAPS,
}
