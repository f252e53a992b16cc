/*
description: "What was bought on which occasion, at two levels: products and categories. However many lines, orders and pieces a day of a customer has, an item is on it once. Lines that name no product, or no category, are left out of that level. A query for any day, not a table."
grain: [level, item, customer_id, occasion_on]
owner: team:data
keep: true
columns:
  level:       {type: VARCHAR, values: [product, category], meaning: "What an item is: a product or a category"}
  item:        {type: VARCHAR, meaning: Id of the product or name of the category}
  customer_id: {type: VARCHAR, meaning: Customer of the shop}
  occasion_on: {type: DATE, meaning: Day of the purchase}
*/
SELECT DISTINCT 'product' AS level, product_id AS item, customer_id, occasion_on
FROM features.product_lines
WHERE product_id IS NOT NULL
UNION ALL
SELECT DISTINCT 'category' AS level, category AS item, customer_id, occasion_on
FROM features.product_lines
WHERE category IS NOT NULL
