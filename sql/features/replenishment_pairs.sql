/*
description: "Customers who have bought an item of marts.replenishment_products at least twice, as they were at the end of a day and 30 days before it, with the classes that marts.replenishment_cells learns in. Orders that were cancelled since count on neither day. A query for any day, not a table."
grain: [days_ago, level, item, customer_id]
owner: team:data
keep: true
columns:
  days_ago:      {type: INTEGER, unit: days, values: [0, 30], meaning: How long before the day}
  level:         {type: VARCHAR, values: [product, category], meaning: "What an item is: a product or a category"}
  item:          {type: VARCHAR, meaning: Id of the product or name of the category}
  customer_id:   {type: VARCHAR, meaning: Customer of the shop}
  purchases:     {type: BIGINT, unit: days, min: 2, meaning: Occasions of the customer with the item by then}
  last_on:       {type: DATE, meaning: Last of them}
  mean_gap:      {type: DOUBLE, unit: days, min: 1, meaning: "From one to the next, in the mean"}
  bought_since:  {type: INTEGER, min: 0, max: 1, meaning: Whether it was bought after then and up to the day}
  ratio_class:   {type: INTEGER, min: 0, max: 7, meaning: "Days since the last by the mean gap, in classes"}
  count_class:   {type: INTEGER, min: 0, max: 3, meaning: "Occasions with the item, in classes"}
  gap_class:     {type: INTEGER, min: 0, max: 3, meaning: "Mean gap, in classes"}
  silence_class: {type: INTEGER, min: 0, max: 3, meaning: "Days since the customer's last occasion, in classes"}
*/
WITH bought AS (
  SELECT bought.level, bought.item, bought.customer_id, bought.occasions, bought.first_on, bought.last_on
  FROM features.customer_items AS bought
  JOIN marts.replenishment_products AS items
    ON items.snapshot_date = $snapshot_date AND items.level = bought.level AND items.item = bought.item
  WHERE bought.occasions > 1
),
moments AS (
  SELECT days AS days_ago, $snapshot_date - days AS as_of
  FROM (VALUES (0), (30)) AS ago (days)
),
silences AS (
  SELECT moments.days_ago, standing.customer_id, date_diff('day', max(standing.occasion_on), moments.as_of) AS silent_days
  FROM features.standing_occasions AS standing
  CROSS JOIN moments
  WHERE standing.occasion_on <= moments.as_of
  GROUP BY moments.days_ago, moments.as_of, standing.customer_id
),
-- Most have not bought it since the earlier moment, and are as they were then; the others are counted anew.
pairs AS (
  SELECT
    moments.days_ago,
    moments.as_of,
    bought.level,
    bought.item,
    bought.customer_id,
    bought.occasions AS purchases,
    bought.first_on,
    bought.last_on,
    0 AS bought_since
  FROM bought
  JOIN moments ON bought.last_on <= moments.as_of
  UNION ALL
  SELECT
    moments.days_ago,
    moments.as_of,
    bought.level,
    bought.item,
    bought.customer_id,
    count(*) AS purchases,
    bought.first_on,
    max(occasions.occasion_on) AS last_on,
    1 AS bought_since
  FROM bought
  JOIN moments ON bought.first_on < moments.as_of AND bought.last_on > moments.as_of
  JOIN features.item_occasions AS occasions
    ON occasions.level = bought.level
    AND occasions.item = bought.item
    AND occasions.customer_id = bought.customer_id
    AND occasions.occasion_on <= moments.as_of
  GROUP BY moments.days_ago, moments.as_of, bought.level, bought.item, bought.customer_id, bought.first_on
  HAVING count(*) > 1
),
measured AS (
  SELECT
    pairs.days_ago,
    pairs.level,
    pairs.item,
    pairs.customer_id,
    pairs.purchases,
    pairs.last_on,
    date_diff('day', pairs.last_on, pairs.as_of) AS elapsed_days,
    date_diff('day', pairs.first_on, pairs.last_on)::DOUBLE / nullif(pairs.purchases - 1, 0) AS mean_gap,
    pairs.bought_since,
    silences.silent_days
  FROM pairs
  JOIN silences ON silences.days_ago = pairs.days_ago AND silences.customer_id = pairs.customer_id
)
SELECT
  days_ago,
  level,
  item,
  customer_id,
  purchases,
  last_on,
  mean_gap,
  bought_since,
  CASE
    WHEN elapsed_days <= 0.25 * mean_gap THEN 0
    WHEN elapsed_days <= 0.5 * mean_gap THEN 1
    WHEN elapsed_days <= mean_gap THEN 2
    WHEN elapsed_days <= 1.5 * mean_gap THEN 3
    WHEN elapsed_days <= 2 * mean_gap THEN 4
    WHEN elapsed_days <= 3 * mean_gap THEN 5
    WHEN elapsed_days <= 5 * mean_gap THEN 6
    ELSE 7
  END AS ratio_class,
  CASE
    WHEN purchases <= 2 THEN 0
    WHEN purchases <= 4 THEN 1
    WHEN purchases <= 9 THEN 2
    ELSE 3
  END AS count_class,
  CASE
    WHEN mean_gap <= 14 THEN 0
    WHEN mean_gap <= 30 THEN 1
    WHEN mean_gap <= 60 THEN 2
    ELSE 3
  END AS gap_class,
  CASE
    WHEN silent_days <= 6 THEN 0
    WHEN silent_days <= 13 THEN 1
    WHEN silent_days <= 29 THEN 2
    ELSE 3
  END AS silence_class
FROM measured
