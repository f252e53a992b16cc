/*
description: "Products that customers have never bought, one price band higher than one of the same category that they bought in the last 180 days, and at most twice as dear as what they paid for it, by the methods of features.listed_methods. What may be named is in features.upgrade_products. The first ten of each method. A query for any day, not a table."
grain: [method, customer_id, product_id]
owner: team:data
keep: true
columns:
  method:      {type: VARCHAR, values: [upgrades, popular_90d, popular_30d], meaning: "How they are ranked: by the share of buyers of the customer's product who went on to buy it; what was bought most in the last 90 or 30 days, of the first 50 of each price band"}
  customer_id: {type: VARCHAR, meaning: Customer of the shop}
  product_id:  {type: VARCHAR, meaning: Product that the customer has not bought}
  score:       {type: DOUBLE, min: 0, meaning: The higher the better}
  popularity:  {type: BIGINT, unit: days, min: 0, meaning: Occasions of anybody with the product in the last 90 days}
  reason:      {type: VARCHAR, values: [upgrade, popular], meaning: Why it is here}
  because_of:  {type: VARCHAR, nullable: true, meaning: Product of the customer that speaks most for it}
  place:       {type: BIGINT, min: 1, max: 10, meaning: "Place in the customer's list by the method, from 1 on"}
*/
-- Numbers instead of ids, where rows are many. Of products with the same score the one with the lower number comes first.
WITH customers AS (
  SELECT customer_id, row_number() OVER (ORDER BY customer_id)::INTEGER AS customer
  FROM (SELECT DISTINCT customer_id FROM features.priced_purchases) AS buyers
),
numbers AS (
  SELECT product_id, occasions_90, number, row_number() OVER (ORDER BY product_id)::INTEGER AS place_of_id
  FROM features.product_numbers
),
own AS (
  SELECT
    customers.customer,
    bought.category,
    bought.band,
    bought.product_id,
    numbers.place_of_id,
    floor(2000000 * bought.paid + 0.5) AS most
  FROM features.priced_purchases AS bought
  JOIN customers ON customers.customer_id = bought.customer_id
  JOIN numbers ON numbers.product_id = bought.product_id
),
owned AS (
  SELECT customers.customer, numbers.number
  FROM features.customer_products AS bought
  JOIN (SELECT DISTINCT product_id FROM features.upgrade_products) AS products ON products.product_id = bought.product_id
  JOIN customers ON customers.customer_id = bought.customer_id
  JOIN numbers ON numbers.product_id = bought.product_id
),
upgrades AS (
  SELECT
    upgrades.category,
    upgrades.product_id,
    numbers.number,
    upgrades.score,
    floor(1000000 * upgrades.price + 0.5) AS price,
    floor(1000000000 * least(upgrades.score, 500.0) + 0.5)::BIGINT * 16777216 AS weight
  FROM features.upgrades AS upgrades
  JOIN numbers ON numbers.product_id = upgrades.other_id
),
-- The score in billionths and the product it is of are one number: of equal scores that of the first id.
spoken_for AS (
  SELECT own.customer, upgrades.number, max(upgrades.score) AS score, max(upgrades.weight - own.place_of_id) AS speaks
  FROM own
  JOIN upgrades ON upgrades.category = own.category AND upgrades.product_id = own.product_id
  WHERE upgrades.price <= own.most
  GROUP BY own.customer, upgrades.number
),
charts AS (
  SELECT
    methods.method,
    products.category,
    products.band,
    floor(1000000 * products.price + 0.5) AS price,
    numbers.number,
    CASE methods.method WHEN 'popular_90d' THEN products.occasions_90 ELSE products.occasions_30 END AS score
  FROM features.upgrade_products AS products
  JOIN numbers ON numbers.product_id = products.product_id
  JOIN features.listed_methods AS methods ON methods.list = 'up_sell' AND methods.method <> 'upgrades'
),
-- Of each shelf the first 50. A product has one rank of all products, by which shelves are put together.
placed_charts AS (
  SELECT method, category, band, price, number, score, rank, place
  FROM (
    SELECT
      method,
      category,
      band,
      price,
      number,
      score,
      rank() OVER (PARTITION BY method ORDER BY score DESC, number) AS rank,
      row_number() OVER (PARTITION BY method, category, band ORDER BY score DESC, number) AS place
    FROM charts
    WHERE score > 0
  ) AS placed
  WHERE place <= 50
),
paid AS (
  SELECT customer, category, band + 1 AS band, max(most) AS most
  FROM own
  GROUP BY customer, category, band
),
-- What is not too dear is the same for all who can pay for the same of the chart.
reached AS (
  SELECT category, band, most, max(price) OVER (PARTITION BY category, band ORDER BY most) AS step
  FROM (
    SELECT DISTINCT category, band, most, NULL::DOUBLE AS price
    FROM paid
    UNION ALL
    SELECT DISTINCT category, band, price AS most, price
    FROM placed_charts
  ) AS prices
),
shelves AS (
  SELECT category, band, step, row_number() OVER (ORDER BY category, band, step)::INTEGER AS shelf
  FROM (SELECT DISTINCT category, band, step FROM reached WHERE step IS NOT NULL) AS steps
),
shown AS (
  SELECT paid.customer, shelves.shelf, paid.category, paid.band
  FROM paid
  JOIN (SELECT DISTINCT category, band, most, step FROM reached) AS reached
    ON reached.category = paid.category AND reached.band = paid.band AND reached.most = paid.most
  JOIN shelves
    ON shelves.category = reached.category AND shelves.band = reached.band AND shelves.step = reached.step
),
affordable AS (
  SELECT
    charts.method,
    shelves.shelf,
    charts.rank,
    row_number() OVER (PARTITION BY charts.method, shelves.shelf ORDER BY charts.place) AS place
  FROM shelves
  JOIN placed_charts AS charts ON charts.category = shelves.category AND charts.band = shelves.band
  WHERE charts.price <= shelves.step
),
taken AS (
  SELECT charts.method, charts.category, charts.band, owned.customer, count(*) AS products
  FROM owned
  JOIN placed_charts AS charts ON charts.number = owned.number
  GROUP BY charts.method, charts.category, charts.band, owned.customer
),
-- The first ten of each shelf are looked at; of who has some of them as many of the next ones.
looked_at AS (
  SELECT methods.method, shown.customer, shown.shelf, 10 + coalesce(taken.products, 0) AS places
  FROM shown
  CROSS JOIN (SELECT DISTINCT method FROM placed_charts) AS methods
  LEFT JOIN taken
    ON taken.method = methods.method
    AND taken.customer = shown.customer
    AND taken.category = shown.category
    AND taken.band = shown.band
),
-- Ten of one shelf that the customer does not have are enough: what comes after all of these is not named.
enough AS (
  SELECT looked_at.method, looked_at.customer, min(affordable.rank) AS rank
  FROM looked_at
  JOIN affordable
    ON affordable.method = looked_at.method
    AND affordable.shelf = looked_at.shelf
    AND affordable.place = looked_at.places
  GROUP BY looked_at.method, looked_at.customer
),
from_charts AS (
  SELECT looked_at.method, looked_at.customer, affordable.rank
  FROM looked_at
  LEFT JOIN enough ON enough.method = looked_at.method AND enough.customer = looked_at.customer
  JOIN affordable ON affordable.method = looked_at.method AND affordable.shelf = looked_at.shelf
  WHERE affordable.place <= looked_at.places AND (enough.rank IS NULL OR affordable.rank <= enough.rank)
),
ranked AS (
  SELECT DISTINCT method, rank, number, score
  FROM placed_charts
),
owned_ranks AS (
  SELECT ranked.method, owned.customer, ranked.rank
  FROM owned
  JOIN ranked ON ranked.number = owned.number
),
best_of_charts AS (
  SELECT method, customer, rank, place
  FROM (
    SELECT
      candidates.method,
      candidates.customer,
      candidates.rank,
      row_number() OVER (PARTITION BY candidates.method, candidates.customer ORDER BY candidates.rank) AS place
    FROM (SELECT DISTINCT method, customer, rank FROM from_charts) AS candidates
    LEFT JOIN owned_ranks
      ON owned_ranks.method = candidates.method
      AND owned_ranks.customer = candidates.customer
      AND owned_ranks.rank = candidates.rank
    WHERE owned_ranks.customer IS NULL
  ) AS placed
  WHERE place <= 10
),
best_upgrades AS (
  SELECT customer, number, score, speaks, place
  FROM (
    SELECT
      candidates.customer,
      candidates.number,
      candidates.score,
      candidates.speaks,
      row_number() OVER (
        PARTITION BY candidates.customer ORDER BY floor(candidates.score * 10000000000 + 0.5) DESC, candidates.number
      ) AS place
    FROM spoken_for AS candidates
    LEFT JOIN owned ON owned.customer = candidates.customer AND owned.number = candidates.number
    WHERE owned.customer IS NULL
  ) AS placed
  WHERE place <= 10
),
best AS (
  SELECT 'upgrades' AS method, customer, number, score, speaks, place
  FROM best_upgrades
  UNION ALL
  SELECT best.method, best.customer, ranked.number, ranked.score::DOUBLE AS score, NULL::BIGINT AS speaks, best.place
  FROM best_of_charts AS best
  JOIN ranked ON ranked.method = best.method AND ranked.rank = best.rank
)
SELECT
  best.method,
  customers.customer_id,
  numbers.product_id,
  best.score,
  numbers.occasions_90 AS popularity,
  CASE WHEN best.method = 'upgrades' THEN 'upgrade' ELSE 'popular' END AS reason,
  speaking.product_id AS because_of,
  best.place
FROM best
JOIN customers ON customers.customer = best.customer
JOIN numbers ON numbers.number = best.number
LEFT JOIN numbers AS speaking
  ON speaking.place_of_id = 16777216 * ((best.speaks + 16777215) // 16777216) - best.speaks
