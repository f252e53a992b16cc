/*
description: "Paths of visits up to the end of a day: of each order that stands, the visits of its customer in the 30 days before it; and paths that no order followed within 30 days, each visit at most 30 days after the one before. A visit before two orders is in the paths of both. A query for any day, not a table."
grain: [ends_in_order, path_id, place]
owner: team:data
keep: true
columns:
  ends_in_order: {type: INTEGER, min: 0, max: 1, meaning: "1 if the path is that of an order"}
  path_id:       {type: VARCHAR, meaning: "The order; else the customer, and which of their paths without an order it is"}
  place:         {type: BIGINT, min: 1, meaning: "Place of the visit in the path, by when it began"}
  visits:        {type: BIGINT, unit: visits, min: 1, meaning: Visits in the path}
  channel:       {type: VARCHAR, meaning: "Marketing channel the visit came by, by the rules for orders"}
  next_channel:  {type: VARCHAR, nullable: true, meaning: That of the next visit in the path; null for the last}
  days_before:   {type: BIGINT, unit: days, nullable: true, min: 0, max: 30, meaning: "Days from the visit to the order; null without one"}
*/
WITH followed AS (
  SELECT
    visits.customer_id,
    visits.visit_id,
    visits.began_at,
    visits.began_on,
    visits.channel,
    orders.order_id,
    date_diff('day', visits.began_on, orders.ordered_on) AS days_before
  FROM features.visits AS visits
  LEFT JOIN features.order_values AS orders
    ON orders.customer_id = visits.customer_id
    AND orders.ordered_at > visits.began_at
    AND orders.ordered_on <= visits.began_on + 30
),
unfollowed AS (
  SELECT
    customer_id,
    visit_id,
    began_at,
    channel,
    CASE
      WHEN began_on <= lag(began_on) OVER (PARTITION BY customer_id ORDER BY began_at, visit_id) + 30 THEN 0
      ELSE 1
    END AS begins
  FROM followed
  WHERE order_id IS NULL
),
paths AS (
  SELECT 1 AS ends_in_order, order_id AS path_id, visit_id, began_at, channel, days_before
  FROM followed
  WHERE order_id IS NOT NULL
  UNION ALL
  SELECT
    0 AS ends_in_order,
    customer_id || ' ' || CAST(
      sum(begins) OVER (
        PARTITION BY customer_id ORDER BY began_at, visit_id ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
      ) AS VARCHAR
    ) AS path_id,
    visit_id,
    began_at,
    channel,
    CAST(NULL AS BIGINT) AS days_before
  FROM unfollowed
)
SELECT
  ends_in_order,
  path_id,
  row_number() OVER (PARTITION BY ends_in_order, path_id ORDER BY began_at, visit_id) AS place,
  count(*) OVER (PARTITION BY ends_in_order, path_id) AS visits,
  channel,
  lead(channel) OVER (PARTITION BY ends_in_order, path_id ORDER BY began_at, visit_id) AS next_channel,
  days_before
FROM paths
