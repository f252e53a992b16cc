/*
description: "Products that at least 20 customers bought for the first time after they had bought one of the price band below in the same category, that somebody has bought in the last 60 days, and that are in stock (features.unavailable_products). None where no list is made of them (features.listed_methods). A query for any day, not a table."
grain: [category, product_id]
owner: team:data
columns:
  category:      {type: VARCHAR, meaning: Category}
  product_id:    {type: VARCHAR, meaning: Product of it}
  band:          {type: BIGINT, min: 2, max: 3, meaning: Its price band (features.price_bands)}
  price:         {type: DOUBLE, unit: currency, min: 0, meaning: Median of what was paid for a piece in the last 365 days}
  share:         {type: DOUBLE, min: 0, max: 1, meaning: "Customers who bought it after one of the band below / all who bought one of the band below"}
  trend:         {type: DOUBLE, min: 0, meaning: Whether it is bought more than it was (features.product_trends)}
  occasions_30:  {type: BIGINT, unit: days, min: 0, meaning: Occasions of anybody with it in the last 30 days}
  occasions_90:  {type: BIGINT, unit: days, min: 0, meaning: The same of the last 90 days}
*/
-- Numbers instead of ids and names, where rows are many.
WITH shelves AS (
  SELECT category, row_number() OVER (ORDER BY category)::INTEGER AS shelf
  FROM (SELECT DISTINCT category FROM features.price_bands) AS categories
),
banded AS (
  SELECT
    bands.product_id,
    bands.category,
    shelves.shelf,
    bands.band::INTEGER AS band,
    bands.price,
    row_number() OVER (ORDER BY bands.product_id, bands.category)::INTEGER AS number
  FROM features.price_bands AS bands
  JOIN shelves ON shelves.category = bands.category
  JOIN (SELECT DISTINCT list FROM features.listed_methods) AS listed ON listed.list = 'up_sell'
),
priced AS (
  SELECT bought.customer_id, bought.first_on, banded.shelf, banded.band, banded.number
  FROM features.customer_products AS bought
  JOIN banded ON banded.product_id = bought.product_id
),
began AS (
  SELECT
    customer_id,
    shelf,
    min(first_on) FILTER (WHERE band = 1) AS first_of_1,
    min(first_on) FILTER (WHERE band = 2) AS first_of_2
  FROM priced
  WHERE band < 3
  GROUP BY customer_id, shelf
),
beginners AS (
  SELECT shelf, 1 AS band, count(first_of_1) AS customers
  FROM began
  GROUP BY shelf
  UNION ALL
  SELECT shelf, 2 AS band, count(first_of_2) AS customers
  FROM began
  GROUP BY shelf
),
followers AS (
  SELECT priced.number, count(*) AS customers
  FROM priced
  JOIN began ON began.customer_id = priced.customer_id AND began.shelf = priced.shelf
  WHERE (priced.band = 2 AND began.first_of_1 < priced.first_on)
    OR (priced.band = 3 AND began.first_of_2 < priced.first_on)
  GROUP BY priced.number
  HAVING count(*) >= 20
),
followed AS (
  SELECT banded.category, banded.product_id, banded.band, banded.price, banded.shelf, followers.customers
  FROM followers
  JOIN banded ON banded.number = followers.number
)
SELECT
  followed.category,
  followed.product_id,
  followed.band,
  followed.price,
  followed.customers::DOUBLE / nullif(beginners.customers, 0) AS share,
  trends.trend,
  trends.occasions_30,
  trends.occasions_90
FROM followed
JOIN beginners ON beginners.shelf = followed.shelf AND beginners.band = followed.band - 1
JOIN features.product_trends AS trends ON trends.product_id = followed.product_id
LEFT JOIN features.unavailable_products AS gone ON gone.product_id = followed.product_id
WHERE gone.product_id IS NULL
  AND date_diff('day', trends.last_on, $snapshot_date) < 60
  AND trends.trend IS NOT NULL
