/*
description: "Orders that stand at the end of a day, guests' included: when they were placed, and what each brought up to then. A query for any day, not a table."
grain: [order_id]
owner: team:data
keep: true
columns:
  order_id:    {type: VARCHAR, meaning: Order of the shop}
  customer_id: {type: VARCHAR, nullable: true, meaning: Customer who ordered; null for a guest}
  ordered_at:  {type: TIMESTAMP, meaning: "Time of its first sale line, in the shop's time zone"}
  ordered_on:  {type: DATE, meaning: Local day of it}
  order_value: {type: "DECIMAL(18,2)", unit: currency, meaning: "Sales and charges booked by then"}
  refunds:     {type: "DECIMAL(18,2)", unit: currency, meaning: "Refunds under its id booked by then, negative"}
*/
WITH standing AS (
  SELECT order_id, max(customer_id) AS customer_id
  FROM staging.orders
  WHERE known_on <= $snapshot_date
  GROUP BY order_id
  HAVING sum(orders) > 0
),
booked AS (
  SELECT
    order_id,
    min(CASE WHEN kind = 'sale' THEN ordered_at END) AS ordered_at,
    coalesce(sum(amount) FILTER (WHERE kind <> 'refund'), 0)::DECIMAL(18,2) AS order_value,
    coalesce(sum(amount) FILTER (WHERE kind = 'refund'), 0)::DECIMAL(18,2) AS refunds
  FROM staging.order_lines
  WHERE ordered_on <= $snapshot_date
  GROUP BY order_id
)
SELECT
  standing.order_id,
  standing.customer_id,
  booked.ordered_at,
  booked.ordered_at::DATE AS ordered_on,
  booked.order_value,
  booked.refunds
FROM standing
JOIN booked ON booked.order_id = standing.order_id
