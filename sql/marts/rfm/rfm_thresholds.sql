/*
description: "Cut points of the scores and tiers of the day: which values each step holds and how many customers. A step nobody falls in is listed, empty."
grain: [snapshot_date, measure, scale, step]
owner: team:crm
columns:
  snapshot_date: {type: DATE, meaning: The day whose end the row describes}
  measure:       {type: VARCHAR, values: [recency, frequency, monetary], meaning: "What is measured: days since the last occasion, occasions, net revenue"}
  scale:         {type: VARCHAR, values: [score, tier], meaning: Scores 1–5 or tiers 1–3}
  step:          {type: INTEGER, min: 1, max: 5, meaning: "The score, or the tier from worst (1) to best (3)"}
  label:         {type: VARCHAR, meaning: Name of the step}
  lowest:        {type: "DECIMAL(18,2)", unit: days | occasions | currency, nullable: true, meaning: Least value of the customers in the step; null when it is empty}
  highest:       {type: "DECIMAL(18,2)", unit: days | occasions | currency, nullable: true, meaning: Greatest value of the customers in the step; null when it is empty}
  customers:     {type: BIGINT, unit: customers, min: 0, meaning: Customers in the step}
  set_by:        {type: VARCHAR, values: [data, settings, lifecycle], meaning: "Whether the cut points come from the customers of the day, from the settings, or from the learnt limits of lifecycle_thresholds"}
  cut:           {type: "DECIMAL(18,2)", unit: days | occasions | currency, nullable: true, meaning: "Best value that falls in the step or a worse one, also of customers of other days; what is better falls in the next. Null: no step is better"}
tests:
  every_customer_counted_once_per_scale: |
    SELECT measure, scale, sum(customers) AS customers
    FROM marts.rfm_thresholds
    WHERE snapshot_date = $snapshot_date
    GROUP BY measure, scale
    HAVING sum(customers) <> (SELECT count(*) FROM marts.rfm_scores WHERE snapshot_date = $snapshot_date)
*/
WITH steps AS (
  SELECT measure, scale, step, label
  FROM (
    VALUES
      ('recency', 'score', 1, '1'), ('recency', 'score', 2, '2'), ('recency', 'score', 3, '3'),
      ('recency', 'score', 4, '4'), ('recency', 'score', 5, '5'),
      ('frequency', 'score', 1, '1'), ('frequency', 'score', 2, '2'), ('frequency', 'score', 3, '3'),
      ('frequency', 'score', 4, '4'), ('frequency', 'score', 5, '5'),
      ('monetary', 'score', 1, '1'), ('monetary', 'score', 2, '2'), ('monetary', 'score', 3, '3'),
      ('monetary', 'score', 4, '4'), ('monetary', 'score', 5, '5'),
      ('recency', 'tier', 1, 'long'), ('recency', 'tier', 2, 'medium'), ('recency', 'tier', 3, 'short'),
      ('frequency', 'tier', 1, 'casual'), ('frequency', 'tier', 2, 'regular'), ('frequency', 'tier', 3, 'often'),
      ('monetary', 'tier', 1, 'saver'), ('monetary', 'tier', 2, 'average'), ('monetary', 'tier', 3, 'spender')
  ) AS named (measure, scale, step, label)
),
placed AS (
  SELECT 'recency' AS measure, 'score' AS scale, r_score::VARCHAR AS label, recency_days::DECIMAL(18,2) AS amount
  FROM marts.rfm_scores WHERE snapshot_date = $snapshot_date
  UNION ALL
  SELECT 'frequency' AS measure, 'score' AS scale, f_score::VARCHAR AS label, occasions::DECIMAL(18,2) AS amount
  FROM marts.rfm_scores WHERE snapshot_date = $snapshot_date
  UNION ALL
  SELECT 'monetary' AS measure, 'score' AS scale, m_score::VARCHAR AS label, revenue AS amount
  FROM marts.rfm_scores WHERE snapshot_date = $snapshot_date
  UNION ALL
  SELECT 'recency' AS measure, 'tier' AS scale, recency_tier AS label, recency_days::DECIMAL(18,2) AS amount
  FROM marts.rfm_scores WHERE snapshot_date = $snapshot_date
  UNION ALL
  SELECT 'frequency' AS measure, 'tier' AS scale, frequency_tier AS label, occasions::DECIMAL(18,2) AS amount
  FROM marts.rfm_scores WHERE snapshot_date = $snapshot_date
  UNION ALL
  SELECT 'monetary' AS measure, 'tier' AS scale, monetary_tier AS label, revenue AS amount
  FROM marts.rfm_scores WHERE snapshot_date = $snapshot_date
),
ranges AS (
  SELECT measure, scale, label, min(amount) AS lowest, max(amount) AS highest, count(*) AS customers
  FROM placed
  GROUP BY measure, scale, label
),
named AS (
  SELECT
    steps.measure,
    steps.scale,
    steps.step,
    steps.label,
    ranges.lowest,
    ranges.highest,
    CASE WHEN steps.measure = 'recency' THEN ranges.lowest ELSE ranges.highest END AS best,
    coalesce(ranges.customers, 0) AS customers,
    CASE
      WHEN steps.scale = 'score' AND steps.measure = 'recency' THEN cuts.set_by
      WHEN steps.scale = 'tier' AND steps.measure = 'recency' AND settings.recency_short_days IS NOT NULL THEN 'settings'
      WHEN steps.scale = 'tier' AND steps.measure = 'frequency' AND settings.occasions_regular IS NOT NULL THEN 'settings'
      WHEN steps.scale = 'tier' AND steps.measure = 'monetary' AND settings.revenue_average IS NOT NULL THEN 'settings'
      ELSE 'data'
    END AS set_by,
    CASE
      WHEN steps.measure = 'recency' AND steps.scale = 'score' THEN
        CASE steps.step WHEN 1 THEN cuts.days_2 WHEN 2 THEN cuts.days_3 WHEN 3 THEN cuts.days_4 WHEN 4 THEN cuts.days_5 END + 1
      WHEN steps.measure = 'recency' THEN
        CASE steps.step WHEN 1 THEN settings.recency_medium_days WHEN 2 THEN settings.recency_short_days END + 1
    END::DECIMAL(18,2) AS fixed_days,
    CASE WHEN steps.measure = 'frequency' THEN
      CASE steps.step WHEN 1 THEN settings.occasions_regular WHEN 2 THEN settings.occasions_often END - 1
    END::DECIMAL(18,2) AS fixed_occasions,
    CASE WHEN steps.measure = 'monetary' THEN
      CASE steps.step WHEN 1 THEN settings.revenue_average WHEN 2 THEN settings.revenue_spender END - 0.01
    END::DECIMAL(18,2) AS fixed_revenue
  FROM steps
  CROSS JOIN params.settings AS settings
  CROSS JOIN features.recency_cuts AS cuts
  LEFT JOIN ranges ON ranges.measure = steps.measure AND ranges.scale = steps.scale AND ranges.label = steps.label
),
reached AS (
  SELECT
    measure,
    scale,
    step,
    label,
    lowest,
    highest,
    customers,
    set_by,
    coalesce(fixed_days, fixed_occasions, fixed_revenue) AS fixed,
    CASE
      WHEN measure = 'recency' THEN
        min(best) OVER (PARTITION BY measure, scale ORDER BY step ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
      ELSE max(best) OVER (PARTITION BY measure, scale ORDER BY step ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
    END AS best_so_far,
    coalesce(
      sum(customers) OVER (PARTITION BY measure, scale ORDER BY step ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING), 0
    ) AS better
  FROM named
)
SELECT
  $snapshot_date AS snapshot_date,
  measure,
  scale,
  step,
  label,
  lowest,
  highest,
  customers,
  set_by,
  -- A step that nobody is in ends where the one below it does; the best that somebody is in is open.
  CASE WHEN set_by <> 'data' THEN fixed WHEN better > 0 THEN best_so_far END AS cut
FROM reached
