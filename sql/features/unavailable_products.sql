/*
description: "Products that the list of products says are not in stock. Where lists are tried on the past, none: nobody knows what was in stock then. A query for any day, not a table."
grain: [product_id]
owner: team:data
columns:
  product_id: {type: VARCHAR, meaning: Product}
*/
SELECT product_id
FROM staging.products
WHERE in_stock = FALSE
