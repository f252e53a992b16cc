/*
description: "Orders as the grid of Magento (Adobe Commerce) exports them (Sales, Orders, Export; field list: Adobe Commerce Merchant Documentation, Orders workspace). One row per order, without its products. Amounts are those of the base currency. The order is a sale of Grand Total (Base) less Shipping and Handling, which is a charge, and Total Refunded is one refund on the day of the order, since the grid names no other; so revenue is the grand total net of refunds. Total Refunded is in the currency of the order and comes as a share of Grand Total (Purchased), where the export has that column. A closed order without a refund in it was refunded whole, one whose refund is 0 was not: Magento closes orders, too, of which nothing is left to invoice, and a credit memo, offline or not, always enters Total Refunded. What an order was paid with by gift card or store credit is not in its grand total; since the grid names no products, a gift card sold counts when it is bought. The customer is Customer ID where the export has one, else the hash of Customer Email (show that column in the grid before exporting): the address itself is not kept."
owner: team:data
duplicate_lines: keep
raw:
  ID:                    {required: true, aliases: ["Order #", Order ID, increment_id]}
  Purchase Date:         {required: true, type: timestamp, aliases: [Purchased On, created_at]}
  Grand Total (Base):    {required: true, type: number, aliases: [G.T. (Base), base_grand_total]}
  Status:                {required: true}
  Grand Total (Purchased): {type: number, aliases: [G.T. (Purchased), grand_total]}
  Customer ID:           {aliases: [customer_id]}
  Customer Email:        {required: true, type: email, aliases: [Email, customer_email]}
  Shipping and Handling: {type: number, aliases: [Shipping & Handling, shipping_and_handling]}
  Total Refunded:        {type: number, aliases: [total_refunded]}
  Purchase Point:        {aliases: [store_name]}
statuses:
  column: Status
  stands:
    [pending, processing, complete, fraud, suspected_fraud, payment_review, holded, on_hold, open, state_open,
     paypal_canceled_reversal, paypay_canceled_reversal]
  never_stood: [canceled, cancelled, pending_payment, pending_paypal]
  refunded: [closed, paypal_reversed]
*/
WITH orders AS (
  SELECT
    row_number,
    nullif(trim(TRY_CAST(ID AS VARCHAR)), '') AS order_id,
    nullif(nullif(trim(TRY_CAST("Customer ID" AS VARCHAR)), ''), '0') AS customer_id,
    "Customer Email" AS guest_id,
    "Purchase Date" AS ordered_at,
    lower(trim(Status)) AS status,
    TRY_CAST("Grand Total (Base)" AS DECIMAL(18,2)) AS total,
    coalesce(TRY_CAST("Shipping and Handling" AS DECIMAL(18,2)), 0) AS postage,
    standing,
    TRY_CAST(
      abs(TRY_CAST("Total Refunded" AS DOUBLE))
      * coalesce(
        TRY_CAST("Grand Total (Base)" AS DOUBLE) / nullif(TRY_CAST("Grand Total (Purchased)" AS DOUBLE), 0), 1
      ) AS DECIMAL(18,2)
    ) AS refunded,
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
      WHEN standing = 'never_stood' THEN total
      WHEN standing = 'refunded' AND status = 'closed' THEN coalesce(refunded, total)
      WHEN standing = 'refunded' THEN coalesce(nullif(refunded, 0), total)
      ELSE refunded
    END,
    'refund'
  FROM orders
  WHERE standing = 'never_stood' OR (standing = 'refunded' AND coalesce(refunded, 1) <> 0)
    OR (standing = 'refunded' AND status <> 'closed') OR refunded <> 0
)
SELECT
  lines.row_number,
  orders.order_id,
  lines.line_id,
  orders.customer_id,
  orders.guest_id,
  orders.ordered_at,
  lines.amount,
  orders.sales_channel,
  CASE WHEN orders.standing = 'never_stood' THEN 'cancelled' ELSE orders.status END AS status,
  lines.kind
FROM lines
JOIN orders ON orders.row_number = lines.row_number
