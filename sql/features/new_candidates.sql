/*
description: "Products that customers of the last 365 days have never bought, by the methods of features.listed_methods. Left out is what nobody has bought for 60 days. A query for any day, not a table."
grain: [method, customer_id, product_id]
owner: team:data
columns:
  method:      {type: VARCHAR, values: [similar_customers, popular_90d, popular_30d], meaning: "How they are ranked: by what customers with the same products buy, held against the season (what is trending, for who has nothing in common with anybody); what was bought most in the last 90 or 30 days"}
  customer_id: {type: VARCHAR, meaning: Customer of the shop}
  product_id:  {type: VARCHAR, meaning: Product that the customer has not bought}
  score:       {type: DOUBLE, min: 0, meaning: The higher the better}
  popularity:  {type: BIGINT, unit: days, min: 0, meaning: Occasions of anybody with the product in the last 90 days}
  reason:      {type: VARCHAR, values: [similar_customers, trending, popular], meaning: Why it is here}
  because_of:  {type: VARCHAR, nullable: true, meaning: Product of the customer that speaks most for it}
*/
-- Numbers instead of ids, where rows are many. Of products with the same score the one with the lower number comes first.
WITH customers AS (
  SELECT customer_id, products, row_number() OVER (ORDER BY customer_id)::INTEGER AS customer
  FROM features.candidate_customers
  WHERE date_diff('day', last_on, $snapshot_date) < 365
),
owned AS (
  SELECT customers.customer, customers.customer_id, bought.product_id, bought.weight
  FROM features.customer_products AS bought
  JOIN customers ON customers.customer_id = bought.customer_id
),
numbers AS (
  SELECT
    products.product_id,
    trends.trend,
    coalesce(trends.occasions_90, 0) AS occasions_90,
    date_diff('day', trends.last_on, $snapshot_date) < 60 AND trends.trend IS NOT NULL AS is_on_offer,
    row_number() OVER (ORDER BY coalesce(trends.occasions_90, 0) DESC, products.product_id)::INTEGER AS number
  FROM (SELECT DISTINCT product_id FROM features.customer_products) AS products
  LEFT JOIN features.product_trends AS trends ON trends.product_id = products.product_id
),
on_offer AS (
  SELECT product_id, occasions_30, occasions_90, trend
  FROM features.product_trends
  WHERE date_diff('day', last_on, $snapshot_date) < 60
),
-- Without the method that needs them no customers are compared; the next CTEs are empty then.
numbered AS (
  SELECT owned.customer, numbers.number, owned.product_id, owned.weight
  FROM owned
  JOIN numbers ON numbers.product_id = owned.product_id
  JOIN features.listed_methods AS methods ON methods.method = 'similar_customers'
),
heaviest AS (
  SELECT customer, number, weight
  FROM (
    SELECT
      customer,
      number,
      weight,
      row_number() OVER (PARTITION BY customer ORDER BY floor(weight * 10000000000 + 0.5) DESC, product_id) AS place
    FROM numbered
  ) AS placed
  WHERE place <= 100
),
neighbours AS (
  SELECT one.number, other.number AS other, neighbours.cosine
  FROM features.product_neighbours AS neighbours
  JOIN numbers AS one ON one.product_id = neighbours.product_id
  JOIN numbers AS other ON other.product_id = neighbours.other_id AND other.is_on_offer
),
summed AS (
  SELECT
    heaviest.customer,
    neighbours.other AS number,
    sum(heaviest.weight * neighbours.cosine) AS total,
    max(heaviest.weight * neighbours.cosine) AS largest
  FROM heaviest
  JOIN neighbours ON neighbours.number = heaviest.number
  GROUP BY heaviest.customer, neighbours.other
),
similar AS (
  SELECT summed.customer, summed.number, summed.total * sqrt(numbers.trend) AS score, summed.largest
  FROM summed
  JOIN numbers ON numbers.number = summed.number
  LEFT JOIN numbered ON numbered.customer = summed.customer AND numbered.number = summed.number
  WHERE numbered.number IS NULL
),
best AS (
  SELECT customer, number, score, largest
  FROM (
    SELECT
      customer,
      number,
      score,
      largest,
      row_number() OVER (PARTITION BY customer ORDER BY floor(score * 10000000000 + 0.5) DESC, number) AS place
    FROM similar
  ) AS placed
  WHERE place <= 10
),
spoken_for AS MATERIALIZED (
  SELECT best.customer, best.number, best.score, best.largest, heaviest.number AS owned_number, heaviest.weight
  FROM best
  JOIN heaviest ON heaviest.customer = best.customer
),
speaking AS (
  SELECT spoken_for.customer, spoken_for.number, spoken_for.score, spoken_for.owned_number
  FROM spoken_for
  JOIN neighbours ON neighbours.number = spoken_for.owned_number AND neighbours.other = spoken_for.number
  WHERE spoken_for.weight * neighbours.cosine >= spoken_for.largest
),
explained AS (
  SELECT
    customers.customer_id,
    numbers.product_id,
    speaking.score,
    numbers.occasions_90,
    min(speaks.product_id) AS because_of
  FROM speaking
  JOIN customers ON customers.customer = speaking.customer
  JOIN numbers ON numbers.number = speaking.number
  JOIN numbers AS speaks ON speaks.number = speaking.owned_number
  GROUP BY customers.customer_id, numbers.product_id, speaking.score, numbers.occasions_90
),
charts AS (
  SELECT 'popular_90d' AS method, 'popular' AS reason, product_id, occasions_90::DOUBLE AS score, occasions_90
  FROM on_offer
  WHERE occasions_90 > 0
  UNION ALL
  SELECT 'popular_30d' AS method, 'popular' AS reason, product_id, occasions_30::DOUBLE AS score, occasions_90
  FROM on_offer
  WHERE occasions_30 > 0
  UNION ALL
  SELECT 'similar_customers' AS method, 'trending' AS reason, product_id, trend AS score, occasions_90
  FROM on_offer
  WHERE occasions_30 >= 20
),
placed_charts AS (
  SELECT
    charts.method,
    charts.reason,
    charts.product_id,
    charts.score,
    charts.occasions_90,
    row_number() OVER (
      PARTITION BY charts.method
      ORDER BY floor(charts.score * 10000000000 + 0.5) DESC, charts.occasions_90 DESC, charts.product_id
    ) AS place
  FROM charts
  JOIN features.listed_methods AS methods ON methods.method = charts.method AND methods.list = 'cross_sell'
),
have_similar AS (
  SELECT DISTINCT customer
  FROM best
),
sizes AS (
  SELECT DISTINCT products
  FROM customers
),
long_enough AS (
  SELECT
    sizes.products,
    placed_charts.method,
    placed_charts.reason,
    placed_charts.product_id,
    placed_charts.score,
    placed_charts.occasions_90
  FROM sizes
  JOIN placed_charts ON placed_charts.place <= 10 + sizes.products
),
from_charts AS (
  SELECT
    long_enough.method,
    customers.customer_id,
    long_enough.product_id,
    long_enough.score,
    long_enough.occasions_90,
    long_enough.reason
  FROM customers
  JOIN long_enough ON long_enough.products = customers.products
  LEFT JOIN have_similar ON have_similar.customer = customers.customer
  WHERE long_enough.reason = 'popular' OR have_similar.customer IS NULL
)
SELECT
  'similar_customers' AS method,
  customer_id,
  product_id,
  score,
  occasions_90 AS popularity,
  'similar_customers' AS reason,
  because_of
FROM explained
UNION ALL
SELECT
  from_charts.method,
  from_charts.customer_id,
  from_charts.product_id,
  from_charts.score,
  from_charts.occasions_90 AS popularity,
  from_charts.reason,
  NULL::VARCHAR AS because_of
FROM from_charts
LEFT JOIN owned ON owned.customer_id = from_charts.customer_id AND owned.product_id = from_charts.product_id
WHERE owned.product_id IS NULL
