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
  set_by:        {type: VARCHAR, values: [data, settings], meaning: "Whether the cut points come from the customers of the day or from the settings"}
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
)
SELECT
  $snapshot_date AS snapshot_date,
  steps.measure,
  steps.scale,
  steps.step,
  steps.label,
  ranges.lowest,
  ranges.highest,
  coalesce(ranges.customers, 0) AS customers,
  CASE
    WHEN steps.scale = 'tier' AND steps.measure = 'recency' AND settings.recency_short_days IS NOT NULL THEN 'settings'
    WHEN steps.scale = 'tier' AND steps.measure = 'frequency' AND settings.occasions_regular IS NOT NULL THEN 'settings'
    WHEN steps.scale = 'tier' AND steps.measure = 'monetary' AND settings.revenue_average IS NOT NULL THEN 'settings'
    ELSE 'data'
  END AS set_by
FROM steps
CROSS JOIN params.settings AS settings
LEFT JOIN ranges ON ranges.measure = steps.measure AND ranges.scale = steps.scale AND ranges.label = steps.label
