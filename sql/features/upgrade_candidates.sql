/*
description: "Products that customers have never bought, one price band higher than one of the same category that they bought in the last 180 days, and at most twice as dear as what they paid for it, by the methods of features.listed_methods. What may be named is in features.upgrade_products. A query for any day, not a table."
grain: [method, customer_id, product_id]
owner: team:data
columns:
  method:      {type: VARCHAR, values: [upgrades, popular_90d, popular_30d], meaning: "How they are ranked: by the share of buyers of the customer's product who went on to buy it; what was bought most in the last 90 or 30 days, of the first 50 of each price band"}
  customer_id: {type: VARCHAR, meaning: Customer of the shop}
  product_id:  {type: VARCHAR, meaning: Product that the customer has not bought}
  score:       {type: DOUBLE, min: 0, meaning: The higher the better}
  popularity:  {type: BIGINT, unit: days, min: 0, meaning: Occasions of anybody with the product in the last 90 days}
  reason:      {type: VARCHAR, values: [upgrade, popular], meaning: Why it is here}
  because_of:  {type: VARCHAR, nullable: true, meaning: Product of the customer that speaks most for it}
*/
WITH own AS (
  SELECT bought.customer_id, bought.category, bought.product_id, bought.band, bought.paid
  FROM features.priced_purchases AS bought
  JOIN features.candidate_customers AS customers ON customers.customer_id = bought.customer_id
),
spoken_for AS (
  SELECT
    own.customer_id,
    upgrades.other_id AS product_id,
    upgrades.score,
    own.product_id AS because_of,
    row_number() OVER (
      PARTITION BY own.customer_id, upgrades.other_id
      ORDER BY floor(upgrades.score * 10000000000 + 0.5) DESC, own.product_id
    ) AS place
  FROM own
  JOIN features.upgrades AS upgrades
    ON upgrades.category = own.category AND upgrades.product_id = own.product_id
  WHERE floor(1000000 * upgrades.price + 0.5) <= floor(2000000 * own.paid + 0.5)
),
bands AS (
  SELECT customer_id, category, band, max(paid) AS paid
  FROM own
  GROUP BY customer_id, category, band
),
charts AS (
  SELECT
    methods.method,
    products.category,
    products.product_id,
    products.band,
    products.price,
    products.occasions_90,
    CASE methods.method WHEN 'popular_90d' THEN products.occasions_90 ELSE products.occasions_30 END AS score
  FROM features.upgrade_products AS products
  JOIN features.listed_methods AS methods ON methods.list = 'up_sell' AND methods.method <> 'upgrades'
),
placed_charts AS (
  SELECT
    method,
    category,
    product_id,
    band,
    price,
    occasions_90,
    score,
    row_number() OVER (
      PARTITION BY method, category, band ORDER BY score DESC, occasions_90 DESC, product_id
    ) AS place
  FROM charts
  WHERE score > 0
),
from_charts AS (
  SELECT charts.method, bands.customer_id, charts.product_id, max(charts.score)::DOUBLE AS score
  FROM bands
  JOIN placed_charts AS charts ON charts.category = bands.category AND charts.band = bands.band + 1
  WHERE charts.place <= 50 AND floor(1000000 * charts.price + 0.5) <= floor(2000000 * bands.paid + 0.5)
  GROUP BY charts.method, bands.customer_id, charts.product_id
),
found AS (
  SELECT 'upgrades' AS method, customer_id, product_id, score, 'upgrade' AS reason, because_of
  FROM spoken_for
  WHERE place = 1
  UNION ALL
  SELECT method, customer_id, product_id, score, 'popular' AS reason, NULL::VARCHAR AS because_of
  FROM from_charts
)
SELECT
  found.method,
  found.customer_id,
  found.product_id,
  found.score,
  trends.occasions_90 AS popularity,
  found.reason,
  found.because_of
FROM found
JOIN features.product_trends AS trends ON trends.product_id = found.product_id
LEFT JOIN features.customer_products AS owned
  ON owned.customer_id = found.customer_id AND owned.product_id = found.product_id
WHERE owned.product_id IS NULL
