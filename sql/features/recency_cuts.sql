/*
description: "After how many days since the last occasion the recency score falls: none, where scores are quintiles (rfm.recency); else the days that are set, or those of the lifecycle: 2 is lapsing, 1 lapsed, and the time before is in thirds. The limits of customers with several occasions are everybody's, so that a score stands for the same days in every class of frequency. A query for any day, not a table."
grain: [set_by]
owner: team:crm
columns:
  set_by: {type: VARCHAR, values: [data, settings, lifecycle], meaning: "Where the cut points come from: the customers of the day, the settings, or the learnt limits of lifecycle_thresholds"}
  days_5: {type: BIGINT, unit: days, nullable: true, min: 0, meaning: Up to how many days the score is 5; null for quintiles}
  days_4: {type: BIGINT, unit: days, nullable: true, min: 0, meaning: "The same for 4, where it is not 5"}
  days_3: {type: BIGINT, unit: days, nullable: true, min: 0, meaning: The same for 3}
  days_2: {type: BIGINT, unit: days, nullable: true, min: 0, meaning: The same for 2; after that it is 1}
*/
WITH limits AS (
  SELECT max(defecting_days) AS defecting_days, max(inactive_days) AS inactive_days
  FROM marts.lifecycle_thresholds
  WHERE snapshot_date = $snapshot_date AND customer_kind = 'repeat'
)
SELECT
  CASE
    WHEN settings.rfm_by_lifecycle = 1 THEN 'lifecycle'
    WHEN settings.rfm_score_5_days IS NOT NULL THEN 'settings'
    ELSE 'data'
  END AS set_by,
  CASE WHEN settings.rfm_by_lifecycle = 1 THEN (limits.defecting_days - 1) // 3 ELSE settings.rfm_score_5_days END AS days_5,
  CASE WHEN settings.rfm_by_lifecycle = 1 THEN (2 * limits.defecting_days - 1) // 3 ELSE settings.rfm_score_4_days END AS days_4,
  CASE WHEN settings.rfm_by_lifecycle = 1 THEN limits.defecting_days - 1 ELSE settings.rfm_score_3_days END AS days_3,
  CASE WHEN settings.rfm_by_lifecycle = 1 THEN limits.inactive_days - 1 ELSE settings.rfm_score_2_days END AS days_2
FROM params.settings AS settings
CROSS JOIN limits
