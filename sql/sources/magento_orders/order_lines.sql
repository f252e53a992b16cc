/*
description: "Orders as the grid of Magento (Adobe Commerce) exports them (Sales, Orders, Export; field list: Adobe Commerce Merchant Documentation, Orders workspace). One row per order, without its products. Amounts are those of the base currency. The order is a sale of Grand Total (Base) less Shipping and Handling, which is a charge, and Total Refunded is one refund on the day of the order, since the grid names no other; so revenue is the grand total net of refunds. A closed order without that column was refunded whole; a canceled one brings nothing. The customer is the SHA-256 of Customer Email in lower case (show that column in the grid before exporting): the address itself is not kept."
owner: team:data
duplicate_lines: keep
raw:
  ID:                    {required: true, aliases: ["Order #", Order ID, increment_id]}
  Purchase Date:         {required: true, type: timestamp, aliases: [Purchased On, created_at]}
  Grand Total (Base):    {required: true, type: number, aliases: [G.T. (Base), base_grand_total]}
  Status:                {required: true}
  Customer Email:        {required: true, type: email, aliases: [Email, customer_email]}
  Shipping and Handling: {type: number, aliases: [Shipping & Handling, shipping_and_handling]}
  Total Refunded:        {type: number, aliases: [total_refunded]}
  Purchase Point:        {aliases: [store_name]}
*/
WITH orders AS (
  SELECT
    row_number,
    nullif(trim(TRY_CAST(ID AS VARCHAR)), '') AS order_id,
    "Customer Email" AS customer_id,
    "Purchase Date" AS ordered_at,
    lower(trim(Status)) AS status,
    TRY_CAST("Grand Total (Base)" AS DECIMAL(18,2)) AS total,
    coalesce(TRY_CAST("Shipping and Handling" AS DECIMAL(18,2)), 0) AS postage,
    TRY_CAST("Total Refunded" AS DECIMAL(18,2)) AS refunded,
    regexp_replace(trim("Purchase Point"), '\s+', ' ', 'g') AS sales_channel
  FROM export
),
lines AS (
  SELECT row_number, 'order' AS line_id, TRY_CAST(total - postage AS DECIMAL(18,2)) AS amount, 'sale' AS kind
  FROM orders
  UNION ALL
  SELECT row_number, 'postage', postage, 'charge'
  FROM orders
  WHERE postage <> 0
  UNION ALL
  SELECT
    row_number,
    'refund',
    -CASE
      WHEN status IN ('canceled', 'cancelled') THEN total
      WHEN status = 'closed' THEN coalesce(refunded, total)
      ELSE refunded
    END,
    'refund'
  FROM orders
  WHERE status IN ('canceled', 'cancelled', 'closed') OR refunded <> 0
)
SELECT
  lines.row_number,
  orders.order_id,
  lines.line_id,
  orders.customer_id,
  orders.ordered_at,
  lines.amount,
  orders.sales_channel,
  CASE WHEN orders.status = 'canceled' THEN 'cancelled' ELSE orders.status END AS status,
  lines.kind
FROM lines
JOIN orders ON orders.row_number = lines.row_number
