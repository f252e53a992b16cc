/*
description: "What the customers of features.candidate_customers have bought in the last 180 days of the products that have a price band, and for how much. A query for any day, not a table."
grain: [customer_id, category, product_id]
owner: team:data
columns:
  customer_id: {type: VARCHAR, meaning: Customer of the shop}
  category:    {type: VARCHAR, meaning: Category of the product}
  product_id:  {type: VARCHAR, meaning: Product}
  band:        {type: BIGINT, min: 1, max: 3, meaning: "Third of the category's products by price (features.price_bands)"}
  paid:        {type: DOUBLE, unit: currency, min: 0, meaning: "What the customer paid for a piece in these days, in the mean of the pieces"}
*/
SELECT
  lines.customer_id,
  lines.category,
  lines.product_id,
  bands.band,
  sum(lines.amount)::DOUBLE / nullif(sum(lines.quantity)::DOUBLE, 0) AS paid
FROM features.recent_lines AS lines
JOIN features.price_bands AS bands ON bands.category = lines.category AND bands.product_id = lines.product_id
JOIN features.candidate_customers AS candidates ON candidates.customer_id = lines.customer_id
WHERE date_diff('day', lines.occasion_on, $snapshot_date) < 180 AND lines.amount > 0 AND lines.quantity > 0
GROUP BY lines.customer_id, lines.category, lines.product_id, bands.band
