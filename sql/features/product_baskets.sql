/*
description: "Which items are in which order: the distinct products, and the distinct categories, of the orders of customers in the last 365 days that stand at the end of a day. A query for any day, not a table."
grain: [level, order_id, item]
owner: team:data
columns:
  level:       {type: VARCHAR, values: [product, category], meaning: What an item is}
  order_id:    {type: VARCHAR, meaning: Order of the shop}
  item:        {type: VARCHAR, meaning: Product or category}
  customer_id: {type: VARCHAR, meaning: Customer of the shop}
  occasion_on: {type: DATE, meaning: Day of the purchase}
*/
SELECT 'product' AS level, order_id, product_id AS item, customer_id, occasion_on
FROM features.recent_lines
WHERE product_id IS NOT NULL
GROUP BY order_id, product_id, customer_id, occasion_on
UNION ALL
SELECT 'category' AS level, order_id, category AS item, customer_id, occasion_on
FROM features.recent_lines
WHERE category IS NOT NULL
GROUP BY order_id, category, customer_id, occasion_on
