/*
description: "Products that customers of the last 365 days have never bought, by each of the methods that are tried on the past. Left out is what nobody has bought for 60 days. A query for any day, not a table."
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
WITH owned AS (
  SELECT
    customer_id,
    product_id,
    weight,
    count(*) OVER (PARTITION BY customer_id) AS products,
    max(last_on) OVER (PARTITION BY customer_id) AS latest_on,
    row_number() OVER (
      PARTITION BY customer_id ORDER BY floor(weight * 10000000000 + 0.5) DESC, product_id
    ) AS place
  FROM features.customer_products
),
customers AS (
  SELECT customer_id, products
  FROM owned
  WHERE place = 1 AND date_diff('day', latest_on, $snapshot_date) < 365
),
on_offer AS (
  SELECT product_id, occasions_30, occasions_90, trend
  FROM features.product_trends
  WHERE date_diff('day', last_on, $snapshot_date) < 60
),
heaviest AS (
  SELECT customer_id, product_id, weight
  FROM owned
  WHERE place <= 100 AND date_diff('day', latest_on, $snapshot_date) < 365
),
summed AS (
  SELECT
    heaviest.customer_id,
    neighbours.other_id AS product_id,
    sum(heaviest.weight * neighbours.cosine) AS total,
    max(heaviest.weight * neighbours.cosine) AS largest
  FROM heaviest
  JOIN features.product_neighbours AS neighbours ON neighbours.product_id = heaviest.product_id
  GROUP BY heaviest.customer_id, neighbours.other_id
),
similar AS (
  SELECT
    summed.customer_id,
    summed.product_id,
    summed.total * sqrt(on_offer.trend) AS score,
    summed.largest,
    on_offer.occasions_90
  FROM summed
  JOIN on_offer ON on_offer.product_id = summed.product_id
  LEFT JOIN owned ON owned.customer_id = summed.customer_id AND owned.product_id = summed.product_id
  WHERE owned.product_id IS NULL AND on_offer.trend IS NOT NULL
),
best AS (
  SELECT customer_id, product_id, score, largest, occasions_90
  FROM (
    SELECT
      customer_id,
      product_id,
      score,
      largest,
      occasions_90,
      row_number() OVER (
        PARTITION BY customer_id ORDER BY floor(score * 10000000000 + 0.5) DESC, occasions_90 DESC, product_id
      ) AS place
    FROM similar
  ) AS placed
  WHERE place <= 10
),
spoken_for AS MATERIALIZED (
  SELECT
    best.customer_id,
    best.product_id,
    best.score,
    best.occasions_90,
    best.largest,
    heaviest.product_id AS owned_id,
    heaviest.weight
  FROM best
  JOIN heaviest ON heaviest.customer_id = best.customer_id
),
explained AS (
  SELECT
    spoken_for.customer_id,
    spoken_for.product_id,
    spoken_for.score,
    spoken_for.occasions_90,
    min(spoken_for.owned_id) AS because_of
  FROM spoken_for
  JOIN features.product_neighbours AS neighbours
    ON neighbours.product_id = spoken_for.owned_id AND neighbours.other_id = spoken_for.product_id
  WHERE spoken_for.weight * neighbours.cosine >= spoken_for.largest
  GROUP BY spoken_for.customer_id, spoken_for.product_id, spoken_for.score, spoken_for.occasions_90
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
    method,
    reason,
    product_id,
    score,
    occasions_90,
    row_number() OVER (
      PARTITION BY method ORDER BY floor(score * 10000000000 + 0.5) DESC, occasions_90 DESC, product_id
    ) AS place
  FROM charts
),
have_similar AS (
  SELECT DISTINCT customer_id
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
  LEFT JOIN have_similar ON have_similar.customer_id = customers.customer_id
  WHERE long_enough.reason = 'popular' OR have_similar.customer_id IS NULL
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
