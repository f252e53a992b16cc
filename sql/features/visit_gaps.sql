/*
description: "Gaps after the visits of customers in the last 730 days: days to the next visit, or to the end of the day; all, by the channel of the visit and by the level that the customer has on the day. A query for any day, not a table."
grain: [grouping, group_name, bucket, days, ended]
owner: team:data
columns:
  grouping:   {type: VARCHAR, values: [all, channel, level], meaning: "Every gap is counted once by each; by level, where the customer has one"}
  group_name: {type: VARCHAR, meaning: "all, the channel or the level"}
  bucket:     {type: VARCHAR, meaning: "First two digits of the MD5 of the customer's id: the same on every engine and for ever"}
  days:       {type: BIGINT, unit: days, min: 0, meaning: "Days from the visit to the next one, or to the snapshot date"}
  ended:      {type: BOOLEAN, meaning: "Whether there was a next one; else the gap is censored on the snapshot date"}
  gaps:       {type: BIGINT, unit: gaps, min: 1, meaning: How many there are}
*/
WITH counted AS (
  SELECT
    substring(md5(visits.customer_id), 1, 2) AS bucket,
    date_diff('day', visits.began_on, coalesce(visits.next_on, $snapshot_date)) AS days,
    visits.next_on IS NOT NULL AS ended,
    visits.channel,
    engagement.level,
    count(*) AS gaps
  FROM features.visits AS visits
  LEFT JOIN marts.engagement AS engagement
    ON engagement.customer_id = visits.customer_id AND engagement.snapshot_date = $snapshot_date
  WHERE date_diff('day', visits.began_on, $snapshot_date) < 730
  GROUP BY
    substring(md5(visits.customer_id), 1, 2),
    date_diff('day', visits.began_on, coalesce(visits.next_on, $snapshot_date)),
    visits.next_on IS NOT NULL,
    visits.channel,
    engagement.level
),
grouped AS (
  SELECT 'all' AS grouping, 'all' AS group_name, bucket, days, ended, gaps
  FROM counted
  UNION ALL
  SELECT 'channel' AS grouping, channel AS group_name, bucket, days, ended, gaps
  FROM counted
  UNION ALL
  SELECT 'level' AS grouping, level AS group_name, bucket, days, ended, gaps
  FROM counted
  WHERE level IS NOT NULL
)
SELECT grouping, group_name, bucket, days, ended, sum(gaps) AS gaps
FROM grouped
GROUP BY grouping, group_name, bucket, days, ended
