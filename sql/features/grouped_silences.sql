/*
description: "Silences that began in the last 730 days, counted by what rhythm tells apart: order number, quarter of the first purchase, the stage in which the purchase found its customer, stage and segment on the day. The silences are those of features.silences; the limits and groups are read from the tables of the same day. A query for any day, not a table."
grain: [snapshot_date, grouping, group_name, bucket, days, ended]
owner: team:data
columns:
  snapshot_date: {type: DATE, meaning: The day whose end the row describes}
  grouping:
    type: VARCHAR
    values: [order_number, cohort, found, stage, segment]
    meaning: "Every silence is counted once by order_number and found; once by cohort, if it follows a first purchase; once by stage and by segment"
  group_name:    {type: VARCHAR, meaning: "Order number, quarter such as 2026-Q1, stage, or segment of the grid"}
  bucket:        {type: VARCHAR, meaning: "First two digits of the MD5 of the customer's id: the same on every engine and for ever"}
  days:          {type: BIGINT, unit: days, min: 0, meaning: "Days from the occasion to the next one, or to the snapshot date"}
  ended:         {type: BOOLEAN, meaning: "Whether the customer has bought again; else the silence is censored on the snapshot date"}
  silences:      {type: BIGINT, unit: silences, min: 1, meaning: How many there are}
*/
WITH limits AS (
  SELECT customer_kind, defecting_days, inactive_days
  FROM marts.lifecycle_thresholds
  WHERE snapshot_date = $snapshot_date
),
placed AS (
  SELECT
    silences.customer_id,
    silences.bucket,
    silences.order_number,
    silences.began_on,
    silences.days,
    silences.ended,
    CASE
      WHEN silences.order_number = 1 THEN 'first-time'
      WHEN date_diff('day', silences.previous_on, silences.began_on)
        >= CASE WHEN silences.order_number > 2 THEN own.inactive_days ELSE limits.inactive_days END THEN 'inactive'
      WHEN date_diff('day', silences.previous_on, silences.began_on)
        >= CASE WHEN silences.order_number > 2 THEN own.defecting_days ELSE limits.defecting_days END THEN 'defecting'
      ELSE 'active'
    END AS found
  FROM features.customer_silences AS silences
  JOIN limits ON limits.customer_kind = CASE WHEN silences.order_number <= 2 THEN 'one-time' ELSE 'repeat' END
  JOIN marts.lifecycle_stages AS own
    ON own.snapshot_date = $snapshot_date AND own.customer_id = silences.customer_id
),
counted AS (
  SELECT 'order_number' AS grouping, order_number::VARCHAR AS group_name, bucket, days, ended, count(*) AS silences
  FROM placed
  GROUP BY order_number::VARCHAR, bucket, days, ended
  UNION ALL
  SELECT
    'cohort' AS grouping,
    concat(extract(year FROM began_on)::VARCHAR, '-Q', extract(quarter FROM began_on)::VARCHAR) AS group_name,
    bucket,
    days,
    ended,
    count(*) AS silences
  FROM placed
  WHERE order_number = 1
  GROUP BY concat(extract(year FROM began_on)::VARCHAR, '-Q', extract(quarter FROM began_on)::VARCHAR), bucket, days, ended
  UNION ALL
  SELECT 'found' AS grouping, found AS group_name, bucket, days, ended, count(*) AS silences
  FROM placed
  GROUP BY found, bucket, days, ended
  UNION ALL
  SELECT 'stage' AS grouping, stages.stage AS group_name, placed.bucket, placed.days, placed.ended, count(*) AS silences
  FROM placed
  JOIN marts.lifecycle_stages AS stages
    ON stages.snapshot_date = $snapshot_date AND stages.customer_id = placed.customer_id
  GROUP BY stages.stage, placed.bucket, placed.days, placed.ended
  UNION ALL
  SELECT 'segment' AS grouping, segments.segment AS group_name, placed.bucket, placed.days, placed.ended, count(*) AS silences
  FROM placed
  JOIN marts.rfm_segments AS segments
    ON segments.snapshot_date = $snapshot_date
    AND segments.catalogue = 'grid'
    AND segments.customer_id = placed.customer_id
  GROUP BY segments.segment, placed.bucket, placed.days, placed.ended
)
SELECT $snapshot_date AS snapshot_date, grouping, group_name, bucket, days, ended, silences
FROM counted
