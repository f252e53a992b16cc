/*
description: "Purchase occasions that stand at the end of a day: of all that was known of a customer's day by then, at least one order is left. A query for any day, not a table."
grain: [customer_id, occasion_on]
owner: team:data
keep: true
columns:
  customer_id: {type: VARCHAR, meaning: Customer of the shop}
  occasion_on: {type: DATE, meaning: Day of the purchase}
  orders:      {type: BIGINT, unit: orders, min: 1, meaning: Orders of that day that stand}
  amount:      {type: "DECIMAL(18,2)", unit: currency, meaning: "Their value before refunds, charges included"}
*/
SELECT customer_id, occasion_on, sum(orders) AS orders, sum(amount) AS amount
FROM staging.occasions
WHERE known_on <= $snapshot_date
GROUP BY customer_id, occasion_on
HAVING sum(orders) > 0
