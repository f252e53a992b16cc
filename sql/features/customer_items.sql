/*
description: "On how many occasions customers have bought each item, and when first and last, at two levels: products and categories. A query for any day, not a table."
grain: [level, item, customer_id]
owner: team:data
columns:
  level:       {type: VARCHAR, values: [product, category], meaning: "What an item is: a product or a category"}
  item:        {type: VARCHAR, meaning: Id of the product or name of the category}
  customer_id: {type: VARCHAR, meaning: Customer of the shop}
  occasions:   {type: BIGINT, unit: days, min: 1, meaning: Occasions of the customer with the item}
  first_on:    {type: DATE, meaning: First of them}
  last_on:     {type: DATE, meaning: Last of them}
*/
SELECT 'product' AS level, product_id AS item, customer_id, occasions, first_on, last_on
FROM features.customer_products
UNION ALL
SELECT 'category' AS level, category AS item, customer_id, occasions, first_on, last_on
FROM features.customer_categories
