/*
description: "What was known of orders when: a row for each day on which an order changed. As of a day, an order is the sum of its rows known by then, and stands while its orders add up to 1. An order of charges only (postage) never stands, and has a row only if it is void; refunds under an id of their own (credit notes) have none. Void is an order that was cancelled, failed, never paid or is refunded whole: what was booked of it, sales and charges as well as refunds, counts as neither sold nor refunded while it is."
grain: [order_id, known_on]
incremental_by: order_id
owner: team:data
columns:
  order_id:    {type: VARCHAR, meaning: Order of the shop}
  known_on:    {type: DATE, meaning: "Local day of the change; what comes later does not touch the row"}
  customer_id: {type: VARCHAR, nullable: true, meaning: "Customer who ordered; null for a guest"}
  ordered_on:  {type: DATE, meaning: "Local day of the order's first sale line: the day it counts for; the day of the change where it has none yet"}
  orders:      {type: INTEGER, unit: orders, min: -1, max: 1, meaning: "1 when the order stands from this day on, −1 when it was cancelled on it, 0 when only its sums changed"}
  voided:      {type: INTEGER, unit: orders, min: -1, max: 1, meaning: "1 when the order is void from this day on, −1 when it no longer is, else 0. An order is void as of a day where these add up to 1: its status says so, or refunds cover its sales (its charges, where it has no sale)"}
  items:       {type: "DECIMAL(18,3)", unit: pieces, meaning: Change in the pieces of the order while it stands}
  amount:      {type: "DECIMAL(18,2)", unit: currency, meaning: "Change in the sales and charges of the order while it stands, before refunds"}
tests:
  an_order_stands_once_or_not_at_all: |
    SELECT order_id, sum(orders) AS orders
    FROM staging.orders
    GROUP BY order_id
    HAVING sum(orders) < 0 OR sum(orders) > 1
  an_order_that_is_void_does_not_stand: |
    SELECT order_id, sum(orders) AS orders, sum(voided) AS voided
    FROM staging.orders
    GROUP BY order_id
    HAVING sum(voided) < 0 OR sum(voided) > 1 OR (sum(voided) = 1 AND sum(orders) > 0)
  nothing_is_known_before_it_happens: |
    SELECT order_id, known_on, ordered_on FROM staging.orders WHERE known_on < ordered_on
*/
WITH days AS (
  SELECT
    order_id,
    ordered_on AS known_on,
    max(customer_id) AS customer_id,
    count(*) FILTER (WHERE kind = 'sale') AS sale_lines,
    count(*) FILTER (WHERE kind = 'sale' AND lower(status) IN ('cancelled', 'canceled', 'voided', 'void')) AS void_lines,
    count(*) FILTER (WHERE kind = 'charge') AS charge_lines,
    count(*) FILTER (WHERE kind = 'charge' AND lower(status) IN ('cancelled', 'canceled', 'voided', 'void')) AS void_charge_lines,
    coalesce(sum(quantity) FILTER (WHERE kind = 'sale'), 0) AS items,
    coalesce(sum(amount) FILTER (WHERE kind = 'sale'), 0) AS sales,
    coalesce(sum(amount) FILTER (WHERE kind = 'charge'), 0) AS charges,
    coalesce(sum(amount) FILTER (WHERE kind = 'refund'), 0) AS refunds
  FROM staging.order_lines
  GROUP BY order_id, ordered_on
),
several_days AS (
  SELECT order_id
  FROM days
  GROUP BY order_id
  HAVING count(*) > 1
),
so_far AS (
  SELECT
    days.order_id,
    days.known_on,
    days.customer_id,
    CASE WHEN days.sale_lines > 0 THEN days.known_on END AS ordered_on,
    NULL::DATE AS before_on,
    days.sale_lines,
    days.void_lines,
    days.charge_lines,
    days.void_charge_lines,
    days.items,
    days.sales,
    days.charges,
    days.refunds
  FROM days
  LEFT JOIN several_days ON several_days.order_id = days.order_id
  WHERE several_days.order_id IS NULL
  UNION ALL
  SELECT
    days.order_id,
    days.known_on,
    max(customer_id) OVER (PARTITION BY days.order_id) AS customer_id,
    min(CASE WHEN sale_lines > 0 THEN known_on END) OVER (PARTITION BY days.order_id) AS ordered_on,
    lag(known_on) OVER (PARTITION BY days.order_id ORDER BY known_on) AS before_on,
    sum(sale_lines) OVER (PARTITION BY days.order_id ORDER BY known_on ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS sale_lines,
    sum(void_lines) OVER (PARTITION BY days.order_id ORDER BY known_on ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS void_lines,
    sum(charge_lines) OVER (PARTITION BY days.order_id ORDER BY known_on ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS charge_lines,
    sum(void_charge_lines) OVER (PARTITION BY days.order_id ORDER BY known_on ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS void_charge_lines,
    sum(items) OVER (PARTITION BY days.order_id ORDER BY known_on ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS items,
    sum(sales) OVER (PARTITION BY days.order_id ORDER BY known_on ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS sales,
    sum(charges) OVER (PARTITION BY days.order_id ORDER BY known_on ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS charges,
    sum(refunds) OVER (PARTITION BY days.order_id ORDER BY known_on ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS refunds
  FROM days
  JOIN several_days ON several_days.order_id = days.order_id
),
judged AS (
  SELECT
    so_far.order_id,
    so_far.known_on,
    so_far.customer_id,
    least(so_far.known_on, coalesce(so_far.ordered_on, so_far.known_on)) AS ordered_on,
    so_far.before_on,
    so_far.sale_lines,
    so_far.items,
    so_far.sales + so_far.charges AS amount,
    CASE
      WHEN settings.cancelled_orders_count OR so_far.sale_lines + so_far.charge_lines = 0 THEN 0
      WHEN so_far.sale_lines > 0 THEN
        CASE
          WHEN so_far.void_lines = so_far.sale_lines THEN 1
          WHEN so_far.sales > 0 AND so_far.sales + so_far.refunds <= 0 THEN 1
          ELSE 0
        END
      WHEN so_far.void_charge_lines = so_far.charge_lines THEN 1
      WHEN so_far.charges > 0 AND so_far.charges + so_far.refunds <= 0 THEN 1
      ELSE 0
    END AS is_void
  FROM so_far
  CROSS JOIN params.settings AS settings
),
known AS (
  SELECT
    order_id,
    known_on,
    customer_id,
    ordered_on,
    before_on,
    items,
    amount,
    is_void,
    CASE WHEN sale_lines > 0 THEN 1 - is_void ELSE 0 END AS stands
  FROM judged
),
changes AS (
  SELECT order_id, known_on, customer_id, ordered_on, stands AS orders, is_void AS voided, stands * items AS items, stands * amount AS amount
  FROM known
  WHERE before_on IS NULL
  UNION ALL
  SELECT
    later.order_id,
    later.known_on,
    later.customer_id,
    later.ordered_on,
    later.stands - earlier.stands AS orders,
    later.is_void - earlier.is_void AS voided,
    later.stands * later.items - earlier.stands * earlier.items AS items,
    later.stands * later.amount - earlier.stands * earlier.amount AS amount
  FROM known AS later
  JOIN known AS earlier ON earlier.order_id = later.order_id AND earlier.known_on = later.before_on
)
SELECT order_id, known_on, customer_id, ordered_on, orders, voided, items, amount
FROM changes
WHERE orders <> 0 OR voided <> 0 OR items <> 0 OR amount <> 0
