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
WITH priced AS (
  SELECT bought.customer_id, bought.product_id, bought.first_on, bands.category, bands.band, bands.price
  FROM features.customer_products AS bought
  JOIN features.price_bands AS bands ON bands.product_id = bought.product_id
  JOIN (SELECT DISTINCT list FROM features.listed_methods) AS listed ON listed.list = 'up_sell'
),
began AS (
  SELECT customer_id, category, band, min(first_on) AS first_on
  FROM priced
  GROUP BY customer_id, category, band
),
beginners AS (
  SELECT category, band, count(*) AS customers
  FROM began
  GROUP BY category, band
),
followed AS (
  SELECT priced.category, priced.product_id, priced.band, priced.price, count(*) AS customers
  FROM priced
  JOIN began
    ON began.customer_id = priced.customer_id
    AND began.category = priced.category
    AND began.band = priced.band - 1
    AND began.first_on < priced.first_on
  GROUP BY priced.category, priced.product_id, priced.band, priced.price
  HAVING count(*) >= 20
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
JOIN beginners ON beginners.category = followed.category AND beginners.band = followed.band - 1
JOIN features.product_trends AS trends ON trends.product_id = followed.product_id
LEFT JOIN features.unavailable_products AS gone ON gone.product_id = followed.product_id
WHERE gone.product_id IS NULL
  AND date_diff('day', trends.last_on, $snapshot_date) < 60
  AND trends.trend IS NOT NULL
