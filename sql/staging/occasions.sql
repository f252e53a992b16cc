/*
description: "Purchase occasions: all orders of one customer on one local day are one. A row for each day on which an occasion changed; as of a day, an occasion is the sum of its rows known by then, and stands while it has orders."
grain: [customer_id, occasion_on, known_on]
incremental_by: customer_id
owner: team:data
columns:
  customer_id: {type: VARCHAR, meaning: Customer of the shop}
  occasion_on: {type: DATE, meaning: Local day of the orders}
  known_on:    {type: DATE, meaning: "Local day of the change: the day itself, or a later one with a parcel or a cancellation"}
  orders:      {type: BIGINT, unit: orders, meaning: "Orders that stand from this day on, less those cancelled on it"}
  amount:      {type: "DECIMAL(18,2)", unit: currency, meaning: "Change in the sales and charges of these orders, before refunds"}
tests:
  every_purchase_of_a_customer_is_in_one_occasion: |
    SELECT purchases.orders, purchases.amount, occasions.orders AS in_occasions, occasions.amount AS amount_in_occasions
    FROM (
      SELECT coalesce(sum(orders), 0) AS orders, coalesce(sum(amount), 0) AS amount
      FROM staging.orders WHERE customer_id IS NOT NULL
    ) AS purchases
    CROSS JOIN (
      SELECT coalesce(sum(orders), 0) AS orders, coalesce(sum(amount), 0) AS amount FROM staging.occasions
    ) AS occasions
    WHERE purchases.orders <> occasions.orders OR purchases.amount <> occasions.amount
*/
SELECT
  customer_id,
  ordered_on AS occasion_on,
  known_on,
  sum(orders) AS orders,
  sum(amount) AS amount
FROM staging.orders
WHERE customer_id IS NOT NULL AND (orders <> 0 OR items <> 0 OR amount <> 0)
GROUP BY customer_id, ordered_on, known_on
