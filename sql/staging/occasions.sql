/*
description: "Purchase occasions: all orders of one customer on one local day are one. Orders of a day that were cancelled later stand apart until the day they fell."
grain: [customer_id, occasion_on, stands_until]
owner: team:data
columns:
  customer_id:  {type: VARCHAR, meaning: Customer of the shop}
  occasion_on:  {type: DATE, meaning: Local day of the orders}
  stands_until: {type: DATE, meaning: "Day the orders were cancelled, from which they no longer count; 9999-12-31 if they stand"}
  orders:       {type: BIGINT, unit: orders, min: 1, meaning: Orders of the occasion}
  amount:       {type: "DECIMAL(18,2)", unit: currency, meaning: "Sales and charges of the orders, before refunds"}
tests:
  every_purchase_of_a_customer_is_in_one_occasion: |
    SELECT purchases.orders, occasions.orders AS in_occasions
    FROM (SELECT count(*) AS orders FROM staging.orders WHERE is_purchase AND customer_id IS NOT NULL) AS purchases
    CROSS JOIN (SELECT coalesce(sum(orders), 0) AS orders FROM staging.occasions) AS occasions
    WHERE purchases.orders <> occasions.orders
*/
SELECT
  orders.customer_id,
  orders.ordered_on AS occasion_on,
  CASE
    WHEN settings.cancelled_orders_count THEN DATE '9999-12-31'
    ELSE coalesce(orders.cancelled_on, DATE '9999-12-31')
  END AS stands_until,
  count(*) AS orders,
  sum(orders.sales + orders.charges) AS amount
FROM staging.orders AS orders
CROSS JOIN params.settings AS settings
WHERE orders.customer_id IS NOT NULL AND orders.is_purchase
GROUP BY
  orders.customer_id,
  orders.ordered_on,
  CASE
    WHEN settings.cancelled_orders_count THEN DATE '9999-12-31'
    ELSE coalesce(orders.cancelled_on, DATE '9999-12-31')
  END
