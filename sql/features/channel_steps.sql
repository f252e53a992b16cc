/*
description: "How often paths of visits go from one channel to the next, begin with one, and end after one with an order or without. A query for any day, not a table."
grain: [origin, target]
owner: team:data
columns:
  origin: {type: VARCHAR, meaning: "Channel; (start): the path begins"}
  target: {type: VARCHAR, meaning: "Channel of the next visit; (order), (no order): the path ends so"}
  paths:  {type: BIGINT, unit: times, min: 1, meaning: How often}
*/
WITH visits AS (
  SELECT
    channel,
    next_channel,
    ends_in_order,
    CASE WHEN place = 1 THEN 1 ELSE 0 END AS begins,
    count(*) AS paths
  FROM features.visit_paths
  GROUP BY channel, next_channel, ends_in_order, CASE WHEN place = 1 THEN 1 ELSE 0 END
),
steps AS (
  SELECT '(start)' AS origin, channel AS target, paths
  FROM visits
  WHERE begins = 1
  UNION ALL
  SELECT
    channel AS origin,
    coalesce(next_channel, CASE WHEN ends_in_order = 1 THEN '(order)' ELSE '(no order)' END) AS target,
    paths
  FROM visits
)
SELECT origin, target, sum(paths) AS paths
FROM steps
GROUP BY origin, target
