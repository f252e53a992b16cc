/*
description: "What buyers of a product went on to buy one price band higher in the same category: for each product the 20 others with the highest score that at least 3 customers bought for the first time after it. Of a customer with more than 50 products in a band of a category these are left out. None where no list is made of them (features.listed_methods). A query for any day, not a table."
grain: [category, product_id, other_id]
owner: team:data
columns:
  category:   {type: VARCHAR, meaning: Category}
  product_id: {type: VARCHAR, meaning: Product of it}
  other_id:   {type: VARCHAR, meaning: Product of the next price band (features.upgrade_products)}
  price:      {type: DOUBLE, unit: currency, min: 0, meaning: Price of that}
  buyers:     {type: BIGINT, unit: customers, min: 3, meaning: Customers who have bought the product}
  customers:  {type: BIGINT, unit: customers, min: 3, meaning: "Of these, those who bought the other for the first time on a later day than the product"}
  score:      {type: DOUBLE, min: 0, meaning: "Their share, drawn towards the share of all buyers of the lower band as if 20 more had bought like them, times the root of the other's trend"}
  place:      {type: BIGINT, min: 1, max: 20, meaning: 1 is the highest score}
*/
WITH priced AS (
  SELECT
    bought.customer_id,
    bought.product_id,
    bought.first_on,
    bands.category,
    bands.band,
    count(*) OVER (PARTITION BY bought.customer_id, bands.category, bands.band) AS products
  FROM features.customer_products AS bought
  JOIN features.price_bands AS bands ON bands.product_id = bought.product_id
  JOIN features.listed_methods AS methods ON methods.method = 'upgrades'
),
buyers AS (
  SELECT product_id, count(*) AS customers
  FROM features.customer_products
  GROUP BY product_id
),
pairs AS (
  SELECT lower.category, lower.product_id, higher.product_id AS other_id, count(*) AS customers
  FROM priced AS lower
  JOIN priced AS higher
    ON higher.customer_id = lower.customer_id
    AND higher.category = lower.category
    AND higher.band = lower.band + 1
    AND higher.first_on > lower.first_on
  JOIN features.upgrade_products AS products
    ON products.category = higher.category AND products.product_id = higher.product_id
  WHERE lower.products <= 50 AND higher.products <= 50
  GROUP BY lower.category, lower.product_id, higher.product_id
  HAVING count(*) >= 3
),
scored AS (
  SELECT
    pairs.category,
    pairs.product_id,
    pairs.other_id,
    products.price,
    products.occasions_90,
    buyers.customers AS buyers,
    pairs.customers,
    (pairs.customers + 20 * products.share) / nullif(buyers.customers + 20, 0) * sqrt(products.trend) AS score
  FROM pairs
  JOIN buyers ON buyers.product_id = pairs.product_id
  JOIN features.upgrade_products AS products
    ON products.category = pairs.category AND products.product_id = pairs.other_id
),
placed AS (
  SELECT
    category,
    product_id,
    other_id,
    price,
    buyers,
    customers,
    score,
    row_number() OVER (
      PARTITION BY category, product_id
      ORDER BY floor(score * 10000000000 + 0.5) DESC, occasions_90 DESC, other_id
    ) AS place
  FROM scored
)
SELECT category, product_id, other_id, price, buyers, customers, score, place
FROM placed
WHERE place <= 20
