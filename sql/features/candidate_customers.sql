/*
description: "Customers for whom candidates are looked for: all who have bought a product. Where candidates are tried on the past, a narrower SELECT takes its place. A query for any day, not a table."
grain: [customer_id]
owner: team:data
keep: true
columns:
  customer_id: {type: VARCHAR, meaning: Customer of the shop}
  products:    {type: BIGINT, unit: products, min: 1, meaning: Products that the customer has bought}
  last_on:     {type: DATE, meaning: Last occasion with a product}
*/
SELECT customer_id, count(*) AS products, max(last_on) AS last_on
FROM features.customer_products
GROUP BY customer_id
