/*
description: "Thirds of the products of each category by price, in the last 365 days: in categories with at least six products that have a price. A query for any day, not a table."
grain: [category, product_id]
owner: team:data
keep: true
columns:
  category:   {type: VARCHAR, meaning: Category}
  product_id: {type: VARCHAR, meaning: Product of it}
  price:      {type: DOUBLE, unit: currency, min: 0, meaning: Median of what was paid for a piece in the last 365 days}
  band:       {type: BIGINT, min: 1, max: 3, meaning: "1 + ⌊3 × products of the category that are cheaper / all of them⌋: 1 is the cheapest third"}
*/
WITH prices AS (
  SELECT
    category,
    product_id,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY amount::DOUBLE / nullif(quantity::DOUBLE, 0)) AS price
  FROM features.recent_lines
  WHERE amount > 0
    AND quantity > 0
    AND category IS NOT NULL
    AND product_id IS NOT NULL
  GROUP BY category, product_id
),
-- In millionths: what is equal but for the last bit of a division is not the cheaper one.
ranked AS (
  SELECT
    category,
    product_id,
    price,
    rank() OVER (PARTITION BY category ORDER BY floor(1000000 * price + 0.5)) - 1 AS cheaper,
    count(*) OVER (PARTITION BY category) AS priced
  FROM prices
)
SELECT category, product_id, price, 1 + (3 * cheaper) // nullif(priced, 0) AS band
FROM ranked
WHERE priced >= 6
