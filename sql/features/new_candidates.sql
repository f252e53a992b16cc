/*
description: "Products that customers of the last 365 days have never bought, by the methods of features.listed_methods. Left out is what nobody has bought for 60 days, and what is not in stock (features.unavailable_products). The first ten of each method. A query for any day, not a table."
grain: [method, customer_id, product_id]
owner: team:data
keep: true
columns:
  method:      {type: VARCHAR, values: [similar_customers, popular_90d, popular_30d], meaning: "How they are ranked: by what customers with the same products buy, held against the season (what is trending, for who has nothing in common with anybody); what was bought most in the last 90 or 30 days"}
  customer_id: {type: VARCHAR, meaning: Customer of the shop}
  product_id:  {type: VARCHAR, meaning: Product that the customer has not bought}
  score:       {type: DOUBLE, min: 0, meaning: The higher the better}
  popularity:  {type: BIGINT, unit: days, min: 0, meaning: Occasions of anybody with the product in the last 90 days}
  reason:      {type: VARCHAR, values: [similar_customers, trending, popular], meaning: Why it is here}
  because_of:  {type: VARCHAR, nullable: true, meaning: Product of the customer that speaks most for it}
  place:       {type: BIGINT, min: 1, max: 10, meaning: "Place in the customer's list by the method, from 1 on"}
*/
-- Numbers instead of ids, where rows are many. Of products with the same score the one with the lower number comes first.
WITH customers AS (
  SELECT customer_id, products, row_number() OVER (ORDER BY customer_id)::INTEGER AS customer
  FROM features.candidate_customers
  WHERE date_diff('day', last_on, $snapshot_date) < 365
),
numbers AS (
  SELECT
    products.product_id,
    trends.trend,
    coalesce(trends.occasions_30, 0) AS occasions_30,
    coalesce(trends.occasions_90, 0) AS occasions_90,
    date_diff('day', trends.last_on, $snapshot_date) < 60 AND gone.product_id IS NULL AS is_on_offer,
    row_number() OVER (ORDER BY coalesce(trends.occasions_90, 0) DESC, products.product_id)::INTEGER AS number,
    row_number() OVER (ORDER BY products.product_id)::INTEGER AS place_of_id
  FROM (SELECT DISTINCT product_id FROM features.customer_products) AS products
  LEFT JOIN features.product_trends AS trends ON trends.product_id = products.product_id
  LEFT JOIN features.unavailable_products AS gone ON gone.product_id = products.product_id
),
owned AS (
  SELECT customers.customer, customers.products, numbers.number, numbers.place_of_id, bought.weight
  FROM features.customer_products AS bought
  JOIN customers ON customers.customer_id = bought.customer_id
  JOIN numbers ON numbers.product_id = bought.product_id
),
-- Without the method that needs them no customers are compared; the next CTEs are empty then.
numbered AS (
  SELECT owned.customer, owned.products, owned.number, owned.place_of_id, owned.weight
  FROM owned
  JOIN features.listed_methods AS methods ON methods.method = 'similar_customers'
),
-- Of who has bought more than a hundred products the hundred heaviest count.
heaviest AS (
  SELECT customer, number, place_of_id, weight
  FROM numbered
  WHERE products <= 100
  UNION ALL
  SELECT customer, number, place_of_id, weight
  FROM (
    SELECT
      customer,
      number,
      place_of_id,
      weight,
      row_number() OVER (PARTITION BY customer ORDER BY floor(weight * 10000000000 + 0.5) DESC, place_of_id) AS place
    FROM numbered
    WHERE products > 100
  ) AS placed
  WHERE place <= 100
),
neighbours AS (
  SELECT one.number, other.number AS other, neighbours.cosine
  FROM features.product_neighbours AS neighbours
  JOIN numbers AS one ON one.product_id = neighbours.product_id
  JOIN numbers AS other ON other.product_id = neighbours.other_id AND other.is_on_offer AND other.trend IS NOT NULL
),
-- The largest term in billionths and the product it is of are one number: of equal terms that of the first id.
summed AS (
  SELECT
    heaviest.customer,
    neighbours.other AS number,
    sum(heaviest.weight * neighbours.cosine) AS total,
    max(floor(1000000000 * heaviest.weight * neighbours.cosine + 0.5)::BIGINT * 16777216 - heaviest.place_of_id) AS speaks
  FROM heaviest
  JOIN neighbours ON neighbours.number = heaviest.number
  GROUP BY heaviest.customer, neighbours.other
),
similar AS (
  SELECT summed.customer, summed.number, summed.total * sqrt(numbers.trend) AS score, summed.speaks
  FROM summed
  JOIN numbers ON numbers.number = summed.number
  LEFT JOIN numbered ON numbered.customer = summed.customer AND numbered.number = summed.number
  WHERE numbered.number IS NULL
),
best AS (
  SELECT customer, number, score, speaks, place
  FROM (
    SELECT
      customer,
      number,
      score,
      speaks,
      row_number() OVER (PARTITION BY customer ORDER BY floor(score * 10000000000 + 0.5) DESC, number) AS place
    FROM similar
  ) AS placed
  WHERE place <= 10
),
charts AS (
  SELECT 'popular_90d' AS method, 'popular' AS reason, number, occasions_90::DOUBLE AS score
  FROM numbers
  WHERE is_on_offer AND occasions_90 > 0
  UNION ALL
  SELECT 'popular_30d' AS method, 'popular' AS reason, number, occasions_30::DOUBLE AS score
  FROM numbers
  WHERE is_on_offer AND occasions_30 > 0
  UNION ALL
  SELECT 'similar_customers' AS method, 'trending' AS reason, number, trend AS score
  FROM numbers
  WHERE is_on_offer AND occasions_30 >= 20
),
placed_charts AS (
  SELECT
    charts.method,
    charts.reason,
    charts.number,
    charts.score,
    row_number() OVER (
      PARTITION BY charts.method ORDER BY floor(charts.score * 10000000000 + 0.5) DESC, charts.number
    ) AS place
  FROM charts
  JOIN features.listed_methods AS methods ON methods.method = charts.method AND methods.list = 'cross_sell'
),
-- Most customers are shown the first ten. Others have bought some of those, or of the next ones that move up.
taken AS (
  SELECT placed_charts.method, owned.customer, owned.number
  FROM owned
  JOIN placed_charts ON placed_charts.number = owned.number
  WHERE placed_charts.place <= 10 + owned.products
),
takers AS (
  SELECT method, customer, count(*) AS products
  FROM taken
  GROUP BY method, customer
),
sizes AS (
  SELECT DISTINCT method, products
  FROM takers
),
long_enough AS MATERIALIZED (
  SELECT sizes.products, charts.method, charts.reason, charts.number, charts.score, charts.place
  FROM sizes
  JOIN placed_charts AS charts ON charts.method = sizes.method AND charts.place <= 10 + sizes.products
),
from_charts AS (
  SELECT charts.method, customers.customer, charts.number, charts.score, charts.reason, charts.place
  FROM customers
  CROSS JOIN placed_charts AS charts
  LEFT JOIN takers ON takers.method = charts.method AND takers.customer = customers.customer
  WHERE charts.place <= 10 AND takers.customer IS NULL
  UNION ALL
  SELECT method, customer, number, score, reason, place
  FROM (
    SELECT
      takers.method,
      takers.customer,
      long_enough.number,
      long_enough.score,
      long_enough.reason,
      row_number() OVER (PARTITION BY takers.method, takers.customer ORDER BY long_enough.place) AS place
    FROM takers
    JOIN long_enough ON long_enough.method = takers.method AND long_enough.products = takers.products
    LEFT JOIN taken
      ON taken.method = takers.method AND taken.customer = takers.customer AND taken.number = long_enough.number
    WHERE taken.customer IS NULL
  ) AS placed
  WHERE place <= 10
),
have_similar AS (
  SELECT DISTINCT customer
  FROM best
),
found AS (
  SELECT
    'similar_customers' AS method,
    customer,
    number,
    score,
    'similar_customers' AS reason,
    16777216 * ((speaks + 16777215) // 16777216) - speaks AS speaks,
    place
  FROM best
  UNION ALL
  SELECT
    from_charts.method,
    from_charts.customer,
    from_charts.number,
    from_charts.score,
    from_charts.reason,
    NULL::BIGINT AS speaks,
    from_charts.place
  FROM from_charts
  LEFT JOIN have_similar ON have_similar.customer = from_charts.customer
  WHERE from_charts.reason = 'popular' OR have_similar.customer IS NULL
)
SELECT
  found.method,
  customers.customer_id,
  numbers.product_id,
  found.score,
  numbers.occasions_90 AS popularity,
  found.reason,
  speaking.product_id AS because_of,
  found.place
FROM found
JOIN customers ON customers.customer = found.customer
JOIN numbers ON numbers.number = found.number
LEFT JOIN numbers AS speaking ON speaking.place_of_id = found.speaks
