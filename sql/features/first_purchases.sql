/*
description: "When a customer bought an item for the first time, for customers who bought not too many different items: of those with more nothing can be learnt about order, and all their pairs would have to be looked at. Where the rest still has too many pairs, a smaller limit applies. A query for any day, not a table."
grain: [level, item, customer_id]
owner: team:data
columns:
  level:       {type: VARCHAR, values: [product, category], meaning: What an item is}
  item:        {type: VARCHAR, meaning: Product or category}
  customer_id: {type: VARCHAR, meaning: Customer of the shop}
  first_on:    {type: DATE, meaning: Day of the first purchase}
  window_on:   {type: DATE, nullable: true, meaning: Day of the first purchase in the last 365 days; null if there was none}
  size_limit:  {type: BIGINT, unit: items, min: 60, meaning: "Most different items of a customer who counts: 300, or 150, 100 or 60 where there would be more than 300 million pairs"}
  customers:   {type: BIGINT, unit: customers, min: 1, meaning: All customers of the level who count}
  left_out:    {type: BIGINT, unit: customers, min: 0, meaning: Customers with more different items}
*/
WITH firsts AS (
  SELECT
    level,
    item,
    customer_id,
    min(occasion_on) AS first_on,
    min(occasion_on) FILTER (WHERE occasion_on > $snapshot_date - 365) AS window_on
  FROM features.item_occasions
  GROUP BY level, item, customer_id
),
buyers AS (
  SELECT level, customer_id, count(*) AS size
  FROM firsts
  GROUP BY level, customer_id
),
sizes AS (
  SELECT level, size, count(*) AS customers
  FROM buyers
  GROUP BY level, size
),
kept_by_limit AS (
  SELECT
    sizes.level,
    limits.size_limit,
    coalesce(sum(sizes.customers) FILTER (WHERE sizes.size <= limits.size_limit), 0) AS customers,
    coalesce(sum(sizes.customers) FILTER (WHERE sizes.size > limits.size_limit), 0) AS left_out,
    coalesce(sum(sizes.customers * sizes.size * (sizes.size - 1)) FILTER (WHERE sizes.size <= limits.size_limit), 0)
      AS size_pairs
  FROM sizes
  CROSS JOIN (VALUES (300), (150), (100), (60)) AS limits(size_limit)
  GROUP BY sizes.level, limits.size_limit
),
ranked_limits AS (
  SELECT
    level,
    size_limit,
    customers,
    left_out,
    row_number() OVER (
      PARTITION BY level
      ORDER BY CASE WHEN size_pairs > 600000000 THEN size_limit ELSE -size_limit END
    ) AS place
  FROM kept_by_limit
)
SELECT
  firsts.level,
  firsts.item,
  firsts.customer_id,
  firsts.first_on,
  firsts.window_on,
  chosen.size_limit,
  chosen.customers,
  chosen.left_out
FROM firsts
JOIN buyers ON buyers.level = firsts.level AND buyers.customer_id = firsts.customer_id
JOIN ranked_limits AS chosen ON chosen.level = firsts.level AND chosen.place = 1
WHERE buyers.size <= chosen.size_limit
