/*
description: "Products that customers of the last 730 days might buy again, by the methods of features.listed_methods. Left out is what they bought in the last 7 days, and what nobody has bought for 60 days. A query for any day, not a table."
grain: [method, customer_id, product_id]
owner: team:data
columns:
  method:      {type: VARCHAR, values: [personal_frequency, last_occasion_again, popular_90d, popular_30d], meaning: "How they are ranked: by the customer's own occasions with the product; what was on the last occasion; what others bought in the last 90 or 30 days"}
  customer_id: {type: VARCHAR, meaning: Customer of the shop}
  product_id:  {type: VARCHAR, meaning: Product the customer has bought}
  score:       {type: BIGINT, min: 0, meaning: The higher the better}
  popularity:  {type: BIGINT, unit: days, min: 0, meaning: Occasions of anybody with the product in the last 90 days}
  last_on:     {type: DATE, meaning: Last occasion of the customer with the product}
  weight:      {type: BIGINT, meaning: "16777216 times the score less the product's number (features.product_numbers): the higher the sooner it is named"}
*/
WITH customers AS (
  SELECT customer_id, last_on
  FROM features.candidate_customers
  WHERE date_diff('day', last_on, $snapshot_date) < 730
),
scored AS (
  SELECT
    methods.method,
    bought.customer_id,
    bought.product_id,
    CASE methods.method
      WHEN 'personal_frequency' THEN bought.occasions
      WHEN 'last_occasion_again' THEN CASE WHEN bought.last_on = customers.last_on THEN 1 ELSE 0 END
      WHEN 'popular_90d' THEN trends.occasions_90
      ELSE trends.occasions_30
    END AS score,
    trends.occasions_90 AS popularity,
    numbers.number,
    bought.last_on
  FROM features.customer_products AS bought
  JOIN customers ON customers.customer_id = bought.customer_id
  JOIN features.product_trends AS trends ON trends.product_id = bought.product_id
  JOIN features.product_numbers AS numbers ON numbers.product_id = trends.product_id
  JOIN features.listed_methods AS methods ON methods.list = 'repeat'
  WHERE date_diff('day', bought.last_on, $snapshot_date) >= 7
    AND date_diff('day', trends.last_on, $snapshot_date) < 60
)
SELECT method, customer_id, product_id, score, popularity, last_on, score::BIGINT * 16777216 - number AS weight
FROM scored
WHERE score > 0
