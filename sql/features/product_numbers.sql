/*
description: "A number for each product of the last 365 days, by which rows are counted and ranked where they are many: what was bought more in the last 90 days has the lower number, of equals the lower id. A query for any day, not a table."
grain: [product_id]
owner: team:data
columns:
  product_id:   {type: VARCHAR, meaning: Product}
  occasions_90: {type: BIGINT, unit: days, min: 0, meaning: Occasions of anybody with the product in the last 90 days}
  number:       {type: INTEGER, min: 1, meaning: "Its number, from 1 on"}
*/
SELECT product_id, occasions_90, row_number() OVER (ORDER BY occasions_90 DESC, product_id)::INTEGER AS number
FROM features.product_trends
