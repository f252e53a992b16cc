/*
description: "How often customers did which of several things up to the end of a day: ordered by which channel, clicked a message or did not, visited at which time of their own. A query for any day, not a table."
grain: [preference, stratum, customer_id, category]
owner: team:data
keep: true
columns:
  preference:  {type: VARCHAR, values: [order_channel, click, email_click, sms_click, push_click, daypart, weekday], meaning: What it is that customers may differ in}
  stratum:     {type: VARCHAR, meaning: "Group of customers inside which they are compared: of daypart and weekday their segment (grid), (none) before the first purchase; else (all)"}
  customer_id: {type: VARCHAR, meaning: Customer}
  category:    {type: VARCHAR, meaning: "Channel; clicked or not; daypart 0 to 7; weekday 0 (Monday) to 6"}
  times:       {type: BIGINT, min: 0, meaning: How often}
*/
WITH clicks AS (
  SELECT 'click' AS preference, customer_id, delivered, clicked
  FROM features.contact_clicks
  UNION ALL
  SELECT channel || '_click' AS preference, customer_id, delivered, clicked
  FROM features.contact_clicks
  WHERE channel IN ('email', 'sms', 'push')
),
moments AS (
  SELECT 'daypart' AS preference, customer_id, daypart::VARCHAR AS category, times
  FROM features.unprompted_actions
  UNION ALL
  SELECT 'weekday' AS preference, customer_id, weekday::VARCHAR AS category, times
  FROM features.unprompted_actions
)
SELECT 'order_channel' AS preference, '(all)' AS stratum, customer_id, channel AS category, orders AS times
FROM features.customer_channels
UNION ALL
SELECT preference, '(all)' AS stratum, customer_id, 'clicked' AS category, sum(clicked) AS times
FROM clicks
GROUP BY preference, customer_id
UNION ALL
SELECT preference, '(all)' AS stratum, customer_id, 'not' AS category, sum(delivered - clicked) AS times
FROM clicks
GROUP BY preference, customer_id
UNION ALL
SELECT
  moments.preference,
  coalesce(segments.segment, '(none)') AS stratum,
  moments.customer_id,
  moments.category,
  sum(moments.times) AS times
FROM moments
LEFT JOIN marts.rfm_segments AS segments
  ON segments.customer_id = moments.customer_id
  AND segments.catalogue = 'grid'
  AND segments.snapshot_date = $snapshot_date
GROUP BY moments.preference, coalesce(segments.segment, '(none)'), moments.customer_id, moments.category
