/*
description: "When a customer bought an item for the first time, ever and in the last 365 days, and how big that occasion was. A query for any day, not a table."
grain: [level, item, customer_id]
owner: team:data
columns:
  level:        {type: VARCHAR, values: [product, category], meaning: What an item is}
  item:         {type: VARCHAR, meaning: Product or category}
  customer_id:  {type: VARCHAR, meaning: Customer of the shop}
  first_on:     {type: DATE, meaning: Day of the first purchase}
  window_on:    {type: DATE, nullable: true, meaning: Day of the first purchase in the last 365 days; null if there was none}
  window_size:  {type: BIGINT, unit: items, nullable: true, min: 1, meaning: Different items of that occasion}
  lately:       {type: BIGINT, unit: days, min: 0, meaning: Occasions of the last 90 days with the item}
  items:        {type: BIGINT, unit: items, min: 1, meaning: Different items of the customer}
*/
WITH sizes AS (
  SELECT level, customer_id, occasion_on, count(*) AS size
  FROM features.item_occasions
  GROUP BY level, customer_id, occasion_on
),
bought AS (
  SELECT
    occasions.level,
    occasions.item,
    occasions.customer_id,
    occasions.occasion_on,
    sizes.size,
    date_diff('day', occasions.occasion_on, $snapshot_date) AS age_days
  FROM features.item_occasions AS occasions
  JOIN sizes
    ON sizes.level = occasions.level
    AND sizes.customer_id = occasions.customer_id
    AND sizes.occasion_on = occasions.occasion_on
),
-- Day and size in one number, so that the size of the first occasion needs no second look: the age goes up to 364.
firsts AS (
  SELECT
    level,
    item,
    customer_id,
    min(occasion_on) AS first_on,
    min(occasion_on) FILTER (WHERE age_days < 365) AS window_on,
    min(1000000 * (365 - age_days) + size) FILTER (WHERE age_days < 365)
      - 1000000 * (365 - max(age_days) FILTER (WHERE age_days < 365)) AS window_size,
    count(*) FILTER (WHERE age_days < 90) AS lately
  FROM bought
  GROUP BY level, item, customer_id
),
customers AS (
  SELECT level, customer_id, count(*) AS items
  FROM firsts
  GROUP BY level, customer_id
)
SELECT
  firsts.level,
  firsts.item,
  firsts.customer_id,
  firsts.first_on,
  firsts.window_on,
  firsts.window_size,
  firsts.lately,
  customers.items
FROM firsts
JOIN customers ON customers.level = firsts.level AND customers.customer_id = firsts.customer_id
