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
-- Numbers instead of ids and names, where rows are many.
WITH shelves AS (
  SELECT category, band, row_number() OVER (ORDER BY category, band)::INTEGER AS shelf
  FROM (SELECT DISTINCT category, band FROM features.price_bands) AS bands
),
numbered AS (
  SELECT
    bands.category,
    bands.product_id,
    shelves.shelf,
    higher.shelf AS higher_shelf,
    products.product_id IS NOT NULL AS is_offered,
    row_number() OVER (ORDER BY bands.category, bands.product_id)::INTEGER AS number
  FROM features.price_bands AS bands
  JOIN features.listed_methods AS methods ON methods.method = 'upgrades'
  JOIN shelves ON shelves.category = bands.category AND shelves.band = bands.band
  LEFT JOIN shelves AS higher ON higher.category = bands.category AND higher.band = bands.band + 1
  LEFT JOIN features.upgrade_products AS products
    ON products.category = bands.category AND products.product_id = bands.product_id
),
priced AS (
  SELECT
    bought.customer_id,
    bought.first_on,
    numbered.number,
    numbered.shelf,
    numbered.higher_shelf,
    numbered.is_offered
  FROM features.customer_products AS bought
  JOIN numbered ON numbered.product_id = bought.product_id
),
crowded AS (
  SELECT customer_id, shelf
  FROM priced
  GROUP BY customer_id, shelf
  HAVING count(*) > 50
),
compared AS (
  SELECT priced.customer_id, priced.first_on, priced.number, priced.shelf, priced.higher_shelf, priced.is_offered
  FROM priced
  LEFT JOIN crowded ON crowded.customer_id = priced.customer_id AND crowded.shelf = priced.shelf
  WHERE crowded.customer_id IS NULL
),
buyers AS (
  SELECT product_id, count(*) AS customers
  FROM features.customer_products
  GROUP BY product_id
),
counted AS (
  SELECT lower.number, higher.number AS other, count(*) AS customers
  FROM compared AS lower
  JOIN compared AS higher
    ON higher.customer_id = lower.customer_id
    AND higher.shelf = lower.higher_shelf
    AND higher.first_on > lower.first_on
  WHERE higher.is_offered
  GROUP BY lower.number, higher.number
  HAVING count(*) >= 3
),
pairs AS (
  SELECT lower.category, lower.product_id, higher.product_id AS other_id, counted.customers
  FROM counted
  JOIN numbered AS lower ON lower.number = counted.number
  JOIN numbered AS higher ON higher.number = counted.other
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
