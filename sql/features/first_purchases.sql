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
  WHERE occasion_on > $snapshot_date - 365
  GROUP BY level, customer_id, occasion_on
),
recent AS (
  SELECT
    level,
    item,
    customer_id,
    min(occasion_on) AS window_on,
    count(*) FILTER (WHERE occasion_on > $snapshot_date - 90) AS lately
  FROM features.item_occasions
  WHERE occasion_on > $snapshot_date - 365
  GROUP BY level, item, customer_id
),
customers AS (
  SELECT level, customer_id, count(*) AS items
  FROM features.customer_items
  GROUP BY level, customer_id
)
SELECT
  bought.level,
  bought.item,
  bought.customer_id,
  bought.first_on,
  recent.window_on,
  sizes.size AS window_size,
  coalesce(recent.lately, 0) AS lately,
  customers.items
FROM features.customer_items AS bought
JOIN customers ON customers.level = bought.level AND customers.customer_id = bought.customer_id
LEFT JOIN recent
  ON recent.level = bought.level AND recent.item = bought.item AND recent.customer_id = bought.customer_id
LEFT JOIN sizes
  ON sizes.level = bought.level AND sizes.customer_id = bought.customer_id AND sizes.occasion_on = recent.window_on
