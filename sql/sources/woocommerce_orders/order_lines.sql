/*
description: "Orders as WooCommerce's extension Customer / Order / Coupon Export writes them in its format Default, one row per item (field list: woocommerce.com, documentation of that extension); Order Export & Order Import writes the same columns. Every row holds a line item and repeats what concerns its order. A line is item_total with its tax, after discounts; what order_total holds beyond the lines (postage, fees, their taxes) is one charge, and refunded_total one refund on the day of the order, since the export names no other. So revenue is order_total − refunded_total. Where the export has shipping_total, what is missing from order_total was paid by gift card or store credit and counts, and what is beyond items, postage, fees and taxes are items that the file lacks: they count with the first item. Gift cards that are sold are charges of 0: the shop owes them. The customer is customer_id; guests, who have none or 0, are known by the hash of their e-mail address: the address itself is not kept."
owner: team:data
duplicate_lines: keep
raw:
  order_id:         {required: true, aliases: [order_number, Order ID, Order Number]}
  date:             {required: true, type: timestamp, aliases: [order_date, Order Date]}
  status:           {required: true, aliases: [order_status, Order Status]}
  order_total:      {required: true, type: number, aliases: [Order Total]}
  refunded_total:   {type: number, aliases: [order_refunded_total]}
  shipping_total:   {type: number, aliases: [order_shipping]}
  shipping_tax_total: {type: number, aliases: [order_shipping_tax]}
  fee_total:        {type: number}
  fee_tax_total:    {type: number}
  tax_total:        {type: number, aliases: [order_tax]}
  order_currency:   {aliases: [currency]}
  customer_id:      {aliases: [customer_user]}
  billing_email:    {required: true, type: email, aliases: [customer_email]}
  item_id:          {}
  item_product_id:  {aliases: [product_id]}
  item_name:        {required: true}
  item_sku:         {aliases: [sku]}
  item_quantity:    {required: true, type: number}
  item_subtotal:    {type: number}
  item_total:       {required: true, type: number}
  item_total_tax:   {type: number, aliases: [item_tax]}
  item_refunded:    {type: number}
  coupon_items:     {aliases: [coupons]}
  shipping_country: {}
  billing_country:  {}
  shipping_state:   {}
  shipping_city:    {}
statuses:
  column: status
  stands:
    [processing, completed, on_hold, pre_ordered, partial_payment, partially_paid, shipped, partial_shipped,
     partially_shipped, delivered, awaiting_shipment]
  never_stood:
    [pending, pending_payment, failed, cancelled, canceled, draft, auto_draft, checkout_draft, trash,
     authentication_required, pending_deposit, scheduled_payment]
  refunded: [refunded]
gift_cards:
  columns: [item_name, item_sku]
  patterns: 
    ["gift card", "* gift card", "gift card - *", "* gift card - *", "gift card (*", "gift card, *", "gift cards",
     "e-gift card*", "giftcard*", "gift voucher*", "gift certificate*", "* gift voucher", "* gift certificate",
     "geschenkgutschein*", "geschenkkarte*", "karta podarunkowa*", "bon podarunkowy*", "carte cadeau*",
     "chèque cadeau*", "tarjeta regalo*", "tarjeta de regalo*", "carta regalo*", "buono regalo*", "cadeaubon*"]
whole_orders: true
problems:
  totals_differ:
    reason: "the rows of this order name different order totals; export the orders again, one row per item"
  items_missing:
    quarantined: false
    reason: "orders whose items do not add up to their total: the file lacks items, as where an export is cut in parts. The total counts, with the first item; export these orders whole for the right products"
*/
WITH cells AS (
  SELECT
    row_number,
    nullif(trim(TRY_CAST(order_id AS VARCHAR)), '') AS order_id,
    nullif(nullif(trim(TRY_CAST(customer_id AS VARCHAR)), ''), '0') AS customer_id,
    billing_email AS guest_id,
    nullif(trim(TRY_CAST("date" AS VARCHAR)), '') AS ordered_at,
    regexp_replace(lower(trim(status)), '^wc-', '', 'g') AS status,
    standing,
    TRY_CAST(order_total AS DECIMAL(18,2)) AS total,
    abs(TRY_CAST(refunded_total AS DECIMAL(18,2))) AS refunded,
    abs(TRY_CAST(item_refunded AS DECIMAL(18,2))) AS item_refunded,
    TRY_CAST(shipping_total AS DECIMAL(18,2)) AS postage,
    coalesce(TRY_CAST(shipping_tax_total AS DECIMAL(18,2)), 0)
    + coalesce(TRY_CAST(fee_total AS DECIMAL(18,2)), 0)
    + coalesce(TRY_CAST(fee_tax_total AS DECIMAL(18,2)), 0) AS fees,
    coalesce(TRY_CAST(tax_total AS DECIMAL(18,2)), 0) AS taxes,
    nullif(trim(order_currency), '') AS currency,
    nullif(trim(TRY_CAST(item_id AS VARCHAR)), '') AS item_id,
    left(
      coalesce(
        nullif(trim(TRY_CAST(item_sku AS VARCHAR)), ''), nullif(trim(TRY_CAST(item_product_id AS VARCHAR)), ''),
        nullif(trim(item_name), '')
      ),
      200
    ) AS product_id,
    nullif(trim(item_name), '') AS product_name,
    nullif(trim(item_name), '') IS NOT NULL OR nullif(trim(TRY_CAST(item_total AS VARCHAR)), '') IS NOT NULL AS has_item,
    is_gift_card,
    TRY_CAST(item_quantity AS DECIMAL(18,3)) AS quantity,
    TRY_CAST(item_subtotal AS DECIMAL(18,2)) AS subtotal,
    TRY_CAST(item_total AS DECIMAL(18,2)) AS net,
    coalesce(TRY_CAST(item_total_tax AS DECIMAL(18,2)), 0) AS tax,
    nullif(regexp_extract(TRY_CAST(coupon_items AS VARCHAR), 'code:([^|;]+)', 1), '') AS coupon,
    coalesce(nullif(trim(shipping_country), ''), nullif(trim(billing_country), '')) AS country,
    nullif(trim(shipping_state), '') AS region,
    nullif(trim(shipping_city), '') AS city
  FROM export
),
numbered AS (
  SELECT
    row_number,
    row_number() OVER (PARTITION BY order_id ORDER BY row_number) AS place,
    sum(CASE WHEN has_item AND NOT is_gift_card THEN 1 ELSE 0 END) OVER (
      PARTITION BY order_id ORDER BY row_number ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS goods_so_far
  FROM cells
),
sums AS (
  SELECT
    order_id,
    max(standing) AS standing,
    count(DISTINCT total) AS totals,
    coalesce(sum(CASE WHEN is_gift_card THEN 0 ELSE net + tax END), 0) AS goods,
    count(CASE WHEN has_item AND NOT is_gift_card THEN 1 END) AS goods_lines,
    max(total) - coalesce(sum(net + tax), 0) AS beyond,
    max(postage) + max(fees) AS named,
    max(postage) + max(fees) + max(taxes) AS named_with_taxes,
    coalesce(max(refunded), 0) AS refunded,
    coalesce(sum(item_refunded), 0) AS items_refunded
  FROM cells
  GROUP BY order_id
),
booked AS (
  SELECT
    order_id,
    standing,
    totals,
    goods,
    refunded,
    items_refunded,
    CASE WHEN goods_lines > 0 AND beyond > named_with_taxes + 0.05 THEN beyond - named_with_taxes ELSE 0 END AS missing,
    CASE
      WHEN beyond < named - 0.05 THEN named
      WHEN goods_lines > 0 AND beyond > named_with_taxes + 0.05 THEN named_with_taxes
      ELSE beyond
    END AS charge
  FROM sums
),
orders AS (
  SELECT
    order_id,
    standing,
    totals,
    TRY_CAST(missing AS DECIMAL(18,2)) AS missing,
    TRY_CAST(charge AS DECIMAL(18,2)) AS charge,
    TRY_CAST(
      CASE
        WHEN standing = 'never_stood' THEN goods + missing + charge
        WHEN standing = 'refunded' AND refunded = 0 AND items_refunded = 0 THEN goods + missing + charge
        WHEN refunded <> 0 THEN least(refunded, goods + missing + charge)
        ELSE least(items_refunded, goods + missing + charge)
      END AS DECIMAL(18,2)
    ) AS refund
  FROM booked
),
lines AS (
  SELECT
    cells.row_number,
    coalesce(cells.item_id, TRY_CAST(numbered.place AS VARCHAR)) AS line_id,
    cells.product_id,
    cells.product_name,
    cells.quantity,
    TRY_CAST(
      cells.net + cells.tax + CASE WHEN numbered.goods_so_far = 1 THEN coalesce(orders.missing, 0) ELSE 0 END
      AS DECIMAL(18,2)
    ) AS amount,
    TRY_CAST(cells.subtotal - cells.net AS DECIMAL(18,2)) AS discount,
    'sale' AS kind
  FROM cells
  JOIN numbered ON numbered.row_number = cells.row_number
  LEFT JOIN orders ON orders.order_id = cells.order_id
  WHERE cells.has_item AND NOT cells.is_gift_card
  UNION ALL
  SELECT
    cells.row_number,
    CASE WHEN cells.has_item AND cells.is_gift_card THEN coalesce(cells.item_id, TRY_CAST(numbered.place AS VARCHAR))
      ELSE 'charge' END,
    CASE WHEN cells.is_gift_card THEN cells.product_id END,
    CASE WHEN cells.is_gift_card THEN cells.product_name END,
    CASE WHEN cells.is_gift_card THEN cells.quantity END,
    CASE WHEN numbered.place = 1 THEN coalesce(orders.charge, 0) ELSE 0 END,
    NULL,
    'charge'
  FROM cells
  JOIN numbered ON numbered.row_number = cells.row_number
  LEFT JOIN orders ON orders.order_id = cells.order_id
  WHERE NOT cells.has_item OR cells.is_gift_card OR (numbered.place = 1 AND orders.charge <> 0)
  UNION ALL
  SELECT cells.row_number, 'refund', NULL, NULL, NULL, -orders.refund, NULL, 'refund'
  FROM cells
  JOIN numbered ON numbered.row_number = cells.row_number
  JOIN orders ON orders.order_id = cells.order_id
  WHERE numbered.place = 1 AND orders.refund <> 0
)
SELECT
  lines.row_number,
  cells.order_id,
  lines.line_id,
  cells.customer_id,
  cells.guest_id,
  cells.ordered_at,
  lines.product_id,
  lines.product_name,
  lines.quantity,
  lines.amount,
  lines.discount,
  cells.currency,
  cells.coupon,
  cells.country,
  cells.region,
  cells.city,
  CASE WHEN orders.standing = 'never_stood' THEN 'cancelled' ELSE cells.status END AS status,
  lines.kind,
  CASE WHEN orders.totals > 1 THEN 'totals_differ' WHEN orders.missing > 0 THEN 'items_missing' END AS problem
FROM lines
JOIN cells ON cells.row_number = lines.row_number
LEFT JOIN orders ON orders.order_id = cells.order_id
