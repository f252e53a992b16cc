/*
description: "Whether a customer buys more often than before, less often, or neither, by an exact test on two windows, beside what all customers do; or why that cannot be told."
grain: [snapshot_date, customer_id]
owner: team:crm
columns:
  snapshot_date:       {type: DATE, meaning: The day whose end the row describes}
  customer_id:         {type: VARCHAR, meaning: Customer of the shop}
  activity_trend:      {type: VARCHAR, values: [growing, declining, stable, too_new, silent, too_few], meaning: "growing, declining or stable; else why not: too_new (tenure below 2W days), silent (no occasion in either window), too_few (fewer than n_min occasions in both)"}
  window_days:         {type: INTEGER, label: "Window, days", unit: days, min: 1, meaning: Length W of each window}
  prior_from:          {type: DATE, meaning: First day of the prior window; it ends on the day before recent_from}
  recent_from:         {type: DATE, meaning: First day of the recent window; it ends on the snapshot date}
  prior_occasions:     {type: BIGINT, unit: occasions, min: 0, meaning: Occasions in the prior window}
  recent_occasions:    {type: BIGINT, unit: occasions, min: 0, meaning: Occasions in the recent window}
  prior_spend:         {type: "DECIMAL(18,2)", unit: currency, meaning: "Value of the prior window's occasions, before refunds"}
  recent_spend:        {type: "DECIMAL(18,2)", unit: currency, meaning: "Value of the recent window's occasions, before refunds"}
  rate_ratio:          {type: DOUBLE, nullable: true, min: 0, meaning: "Recent over prior rate beside that of the base; null where not classified, and where the prior window has no occasion"}
  shrunken_ratio:      {type: DOUBLE, nullable: true, min: 0, meaning: "The same with each rate drawn towards the base's mean as far as its count is small: ranks customers inside a class; null where not classified"}
  p_growth:            {type: DOUBLE, nullable: true, min: 0, max: 1, meaning: Posterior probability that the recent rate is the higher one; null where not classified}
  mid_p:               {type: DOUBLE, nullable: true, min: 0, max: 1, meaning: Two-sided mid-p value of the exact test; null where not classified}
  expected_share:      {type: DOUBLE, nullable: true, min: 0, max: 1, meaning: "Share of the occasions that falls into the recent window without any change, as the base shows it"}
  share_from:          {type: VARCHAR, nullable: true, values: [a year ago, today], meaning: Windows the share was learnt from}
  seasonally_adjusted: {type: BOOLEAN, nullable: true, meaning: Whether the share is that of the same windows a year ago}
  n_min:               {type: INTEGER, unit: occasions, nullable: true, min: 1, meaning: Least number of occasions to be classified}
  spend_direction:     {type: VARCHAR, nullable: true, values: [up, level, down], meaning: "Recent spend beside the prior one and the base's: above 1.25, below 0.8, or between; a comparison without a test. Null where not classified"}
tests:
  every_customer: |
    SELECT summary.customer_id
    FROM marts.customer_summary AS summary
    LEFT JOIN marts.activity_trend AS trend
      ON trend.customer_id = summary.customer_id AND trend.snapshot_date = summary.snapshot_date
    WHERE summary.snapshot_date = $snapshot_date AND trend.customer_id IS NULL
  classified_as_by_the_counts: |
    SELECT customer_id, activity_trend, prior_occasions, recent_occasions, n_min
    FROM marts.activity_trend
    WHERE snapshot_date = $snapshot_date
      AND activity_trend <> 'too_new'
      AND (activity_trend IN ('growing', 'declining', 'stable'))
        <> coalesce(prior_occasions + recent_occasions >= n_min, FALSE)
  no_numbers_without_a_class: |
    SELECT customer_id, activity_trend, mid_p
    FROM marts.activity_trend
    WHERE snapshot_date = $snapshot_date
      AND (activity_trend IN ('growing', 'declining', 'stable')) <> (mid_p IS NOT NULL)
*/
WITH tested AS (
  SELECT
    counts.customer_id,
    counts.window_days,
    counts.prior_from,
    counts.recent_from,
    counts.in_base,
    counts.prior_occasions,
    counts.recent_occasions,
    counts.prior_spend,
    counts.recent_spend,
    pairs.activity_trend,
    pairs.rate_ratio,
    pairs.shrunken_ratio,
    pairs.p_growth,
    pairs.mid_p,
    base.expected_share,
    base.share_from,
    base.seasonally_adjusted,
    base.n_min,
    counts.recent_spend::DOUBLE * (1 - base.expected_spend_share) AS recent_spend_level,
    counts.prior_spend::DOUBLE * base.expected_spend_share AS prior_spend_level
  FROM marts.trend_counts AS counts
  LEFT JOIN marts.trend_base AS base ON base.snapshot_date = counts.snapshot_date
  LEFT JOIN marts.trend_pairs AS pairs
    ON pairs.snapshot_date = counts.snapshot_date
    AND pairs.prior_occasions = counts.prior_occasions
    AND pairs.recent_occasions = counts.recent_occasions
    AND counts.in_base
  WHERE counts.snapshot_date = $snapshot_date
)
SELECT
  $snapshot_date AS snapshot_date,
  customer_id,
  CASE
    WHEN NOT in_base THEN 'too_new'
    WHEN prior_occasions + recent_occasions = 0 THEN 'silent'
    WHEN activity_trend IS NULL THEN 'too_few'
    ELSE activity_trend
  END AS activity_trend,
  window_days,
  prior_from,
  recent_from,
  prior_occasions,
  recent_occasions,
  prior_spend,
  recent_spend,
  rate_ratio,
  shrunken_ratio,
  p_growth,
  mid_p,
  expected_share,
  share_from,
  seasonally_adjusted,
  n_min,
  CASE
    WHEN activity_trend IS NULL OR recent_spend_level IS NULL THEN NULL
    WHEN recent_spend_level > 1.25 * prior_spend_level THEN 'up'
    WHEN recent_spend_level < 0.8 * prior_spend_level THEN 'down'
    ELSE 'level'
  END AS spend_direction
FROM tested
