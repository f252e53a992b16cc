/*
description: "Products bought by the same customers: for each the 20 others with the highest cosine, customers with both by the root of the customers of each; at least 3 customers with both, 5 with each. Customers with more than 300 products are left out. Where the others make more than 20 million pairs, only a part of them is compared, drawn by their ids: a half, quarter, eighth or sixteenth. None where no list is made of them (features.listed_methods). A query for any day, not a table."
grain: [product_id, other_id]
owner: team:data
columns:
  product_id: {type: VARCHAR, meaning: Product}
  other_id:   {type: VARCHAR, meaning: Product that the same customers buy}
  customers:  {type: BIGINT, unit: customers, min: 3, meaning: Customers compared who have bought both}
  cosine:     {type: DOUBLE, min: 0, max: 1.000001, meaning: "Customers with both / √(customers of the one × customers of the other)"}
  place:      {type: BIGINT, min: 1, max: 20, meaning: 1 is the nearest}
*/
-- Numbers instead of ids: the pairs are the most rows there are, and the order of the numbers is that of the ids.
WITH eligible AS (
  SELECT bought.product_id, row_number() OVER (ORDER BY bought.product_id)::INTEGER AS number
  FROM features.customer_products AS bought
  JOIN features.listed_methods AS methods ON methods.method = 'similar_customers'
  GROUP BY bought.product_id
  HAVING count(*) >= 5
),
owned AS (
  SELECT bought.customer_id, eligible.number
  FROM features.customer_products AS bought
  JOIN eligible ON eligible.product_id = bought.product_id
),
sizes AS (
  SELECT customer_id, count(*) AS products, row_number() OVER (ORDER BY customer_id)::INTEGER AS customer
  FROM owned
  GROUP BY customer_id
),
work AS (
  SELECT sum(products * (products - 1)) AS pairs
  FROM sizes
  WHERE products <= 300
),
-- As accurate as in a shop that has no more customers than these.
drawn AS (
  SELECT max(parts.drawn_to) AS drawn_to
  FROM work
  JOIN (VALUES ('g', 1), ('8', 2), ('4', 4), ('2', 8), ('1', 16)) AS parts (drawn_to, share)
    ON parts.share = 16 OR work.pairs <= 40000000 * parts.share
),
kept AS (
  SELECT sizes.customer, owned.number
  FROM owned
  JOIN sizes ON sizes.customer_id = owned.customer_id
  JOIN drawn ON md5(sizes.customer_id) < drawn.drawn_to
  WHERE sizes.products <= 300
),
buyers AS (
  SELECT number, count(*) AS customers
  FROM kept
  GROUP BY number
),
pairs AS (
  SELECT one.number, other.number AS other, count(*) AS customers
  FROM kept AS one
  JOIN kept AS other ON other.customer = one.customer AND one.number < other.number
  GROUP BY one.number, other.number
  HAVING count(*) >= 3
),
cosines AS (
  SELECT
    pairs.number,
    pairs.other,
    pairs.customers,
    pairs.customers / nullif(sqrt(one.customers::DOUBLE * other.customers), 0) AS cosine
  FROM pairs
  JOIN buyers AS one ON one.number = pairs.number
  JOIN buyers AS other ON other.number = pairs.other
),
directed AS (
  SELECT number, other, customers, cosine
  FROM cosines
  UNION ALL
  SELECT other AS number, number AS other, customers, cosine
  FROM cosines
),
placed AS (
  SELECT
    number,
    other,
    customers,
    cosine,
    row_number() OVER (
      PARTITION BY number ORDER BY floor(cosine * 10000000000 + 0.5) DESC, customers DESC, other
    ) AS place
  FROM directed
)
SELECT one.product_id, other.product_id AS other_id, placed.customers, placed.cosine, placed.place
FROM placed
JOIN eligible AS one ON one.number = placed.number
JOIN eligible AS other ON other.number = placed.other
WHERE placed.place <= 20
