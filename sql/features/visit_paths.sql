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
    visits.visit,
    visits.began_on,
    visits.channel,
    visits.next_channel,
    orders.order_id,
    date_diff('day', visits.began_on, orders.ordered_on) AS days_before
  FROM features.visits AS visits
  LEFT JOIN features.order_values AS orders
    ON orders.customer_id = visits.customer_id
    AND orders.ordered_at > visits.began_at
    AND orders.ordered_on <= visits.began_on + 30
),
-- Visits in the 30 days before an order are one stretch of its customer's: between the first and the last lie no others.
stretches AS (
  SELECT order_id, min(visit) AS first_visit, max(visit) AS last_visit
  FROM followed
  WHERE order_id IS NOT NULL
  GROUP BY order_id
),
unfollowed AS (
  SELECT
    customer_id,
    visit,
    channel,
    CASE
      WHEN began_on <= lag(began_on) OVER (PARTITION BY customer_id ORDER BY visit) + 30 THEN 0
      ELSE 1
    END AS begins
  FROM followed
  WHERE order_id IS NULL
),
numbered AS (
  SELECT
    customer_id,
    visit,
    channel,
    sum(begins) OVER (
      PARTITION BY customer_id ORDER BY visit ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS path
  FROM unfollowed
)
SELECT
  1 AS ends_in_order,
  followed.order_id AS path_id,
  followed.visit - stretches.first_visit + 1 AS place,
  stretches.last_visit - stretches.first_visit + 1 AS visits,
  followed.channel,
  CASE WHEN followed.visit < stretches.last_visit THEN followed.next_channel END AS next_channel,
  followed.days_before
FROM followed
JOIN stretches ON stretches.order_id = followed.order_id
UNION ALL
SELECT
  0 AS ends_in_order,
  customer_id || ' ' || CAST(path AS VARCHAR) AS path_id,
  row_number() OVER (PARTITION BY customer_id, path ORDER BY visit) AS place,
  count(*) OVER (PARTITION BY customer_id, path) AS visits,
  channel,
  lead(channel) OVER (PARTITION BY customer_id, path ORDER BY visit) AS next_channel,
  CAST(NULL AS BIGINT) AS days_before
FROM numbered
