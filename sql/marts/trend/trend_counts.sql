/*
description: "What every customer bought in the last window and in the one before, and in the same two windows a year earlier: what the trend is computed from."
grain: [snapshot_date, customer_id]
owner: team:data
columns:
  snapshot_date:             {type: DATE, meaning: The day whose end the row describes}
  customer_id:               {type: VARCHAR, meaning: Customer of the shop}
  window_days:               {type: INTEGER, label: "Window, days", unit: days, min: 1, meaning: "Length W of each window: 180 where half of the customers have bought for 360 days, else 90, unless set"}
  prior_from:                {type: DATE, meaning: First day of the prior window; it ends on the day before recent_from}
  recent_from:               {type: DATE, meaning: First day of the recent window; it ends on the snapshot date}
  in_base:                   {type: BOOLEAN, meaning: "Whether the first occasion was before both windows (tenure of 2W days or more)"}
  prior_occasions:           {type: BIGINT, unit: occasions, min: 0, meaning: Occasions in the prior window}
  recent_occasions:          {type: BIGINT, unit: occasions, min: 0, meaning: Occasions in the recent window}
  prior_spend:               {type: "DECIMAL(18,2)", unit: currency, meaning: "Value of the prior window's occasions, before refunds"}
  recent_spend:              {type: "DECIMAL(18,2)", unit: currency, meaning: "Value of the recent window's occasions, before refunds"}
  in_base_year_ago:          {type: BOOLEAN, meaning: Whether the tenure was 2W days or more a year before the snapshot date}
  prior_occasions_year_ago:  {type: BIGINT, unit: occasions, min: 0, meaning: "Occasions in the prior window a year earlier, as known on the snapshot date"}
  recent_occasions_year_ago: {type: BIGINT, unit: occasions, min: 0, meaning: Occasions in the recent window a year earlier}
  prior_spend_year_ago:      {type: "DECIMAL(18,2)", unit: currency, meaning: Value of the occasions in the prior window a year earlier}
  recent_spend_year_ago:     {type: "DECIMAL(18,2)", unit: currency, meaning: Value of the occasions in the recent window a year earlier}
tests:
  every_customer: |
    SELECT summary.customer_id
    FROM marts.customer_summary AS summary
    FULL JOIN marts.trend_counts AS counts
      ON counts.customer_id = summary.customer_id AND counts.snapshot_date = summary.snapshot_date
    WHERE coalesce(summary.snapshot_date, counts.snapshot_date) = $snapshot_date
      AND (summary.customer_id IS NULL OR counts.customer_id IS NULL)
*/
WITH lengths AS (
  SELECT
    coalesce(
      max(settings.trend_window_days),
      CASE WHEN 2 * count(*) FILTER (WHERE summary.age_days >= 360) >= count(*) THEN 180 ELSE 90 END
    ) AS window_days
  FROM marts.customer_summary AS summary
  CROSS JOIN params.settings AS settings
  WHERE summary.snapshot_date = $snapshot_date
),
windows AS (
  SELECT
    window_days,
    $snapshot_date - 2 * window_days + 1 AS prior_from,
    $snapshot_date - window_days + 1 AS recent_from,
    ($snapshot_date - INTERVAL 1 YEAR)::DATE AS year_ago,
    ($snapshot_date - INTERVAL 1 YEAR)::DATE - 2 * window_days + 1 AS year_ago_prior_from,
    ($snapshot_date - INTERVAL 1 YEAR)::DATE - window_days + 1 AS year_ago_recent_from
  FROM lengths
),
placed AS (
  SELECT
    standing.customer_id,
    standing.amount,
    standing.occasion_on BETWEEN windows.prior_from AND windows.recent_from - 1 AS is_prior,
    standing.occasion_on >= windows.recent_from AS is_recent,
    standing.occasion_on BETWEEN windows.year_ago_prior_from AND windows.year_ago_recent_from - 1 AS was_prior,
    standing.occasion_on BETWEEN windows.year_ago_recent_from AND windows.year_ago AS was_recent
  FROM features.standing_occasions AS standing
  CROSS JOIN windows
  WHERE standing.occasion_on >= least(windows.year_ago_prior_from, windows.prior_from)
),
counted AS (
  SELECT
    customer_id,
    count(*) FILTER (WHERE is_prior) AS prior_occasions,
    count(*) FILTER (WHERE is_recent) AS recent_occasions,
    sum(amount) FILTER (WHERE is_prior) AS prior_spend,
    sum(amount) FILTER (WHERE is_recent) AS recent_spend,
    count(*) FILTER (WHERE was_prior) AS prior_occasions_year_ago,
    count(*) FILTER (WHERE was_recent) AS recent_occasions_year_ago,
    sum(amount) FILTER (WHERE was_prior) AS prior_spend_year_ago,
    sum(amount) FILTER (WHERE was_recent) AS recent_spend_year_ago
  FROM placed
  GROUP BY customer_id
)
SELECT
  summary.snapshot_date,
  summary.customer_id,
  windows.window_days,
  windows.prior_from,
  windows.recent_from,
  summary.first_purchase_on < windows.prior_from AS in_base,
  coalesce(counted.prior_occasions, 0) AS prior_occasions,
  coalesce(counted.recent_occasions, 0) AS recent_occasions,
  coalesce(counted.prior_spend, 0) AS prior_spend,
  coalesce(counted.recent_spend, 0) AS recent_spend,
  summary.first_purchase_on < windows.year_ago_prior_from AS in_base_year_ago,
  coalesce(counted.prior_occasions_year_ago, 0) AS prior_occasions_year_ago,
  coalesce(counted.recent_occasions_year_ago, 0) AS recent_occasions_year_ago,
  coalesce(counted.prior_spend_year_ago, 0) AS prior_spend_year_ago,
  coalesce(counted.recent_spend_year_ago, 0) AS recent_spend_year_ago
FROM marts.customer_summary AS summary
CROSS JOIN windows
LEFT JOIN counted ON counted.customer_id = summary.customer_id
WHERE summary.snapshot_date = $snapshot_date
