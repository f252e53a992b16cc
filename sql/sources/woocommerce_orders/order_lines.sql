/*
description: "Orders as WooCommerce's extension Customer / Order / Coupon Export writes them in its format Default, one row per item (field list: woocommerce.com, documentation of that extension); Order Export & Order Import writes the same columns. Every row holds a line item and repeats what concerns its order. A line is item_total with its tax, after discounts; what order_total holds beyond the lines (postage, fees, their taxes) is one charge, and refunded_total one refund on the day of the order, since the export names no other. So revenue is order_total − refunded_total; an order that failed, was cancelled or never paid (pending) brings nothing. The customer is customer_id; guests, who have none or 0, are known by the SHA-256 of their e-mail address in lower case: the address itself is not kept."
owner: team:data
duplicate_lines: keep
raw:
  order_id:         {required: true, aliases: [order_number, Order ID, Order Number]}
  date:             {required: true, type: timestamp, aliases: [order_date, Order Date]}
  status:           {required: true, aliases: [order_status, Order Status]}
  order_total:      {required: true, type: number, aliases: [Order Total]}
  refunded_total:   {type: number, aliases: [order_refunded_total]}
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
*/
WITH cells AS (
  SELECT
    row_number,
    nullif(trim(TRY_CAST(order_id AS VARCHAR)), '') AS order_id,
    coalesce(nullif(nullif(trim(TRY_CAST(customer_id AS VARCHAR)), ''), '0'), billing_email) AS customer_id,
    nullif(trim(TRY_CAST("date" AS VARCHAR)), '') AS ordered_at,
    regexp_replace(lower(trim(status)), '^wc-', '', 'g') AS status,
    TRY_CAST(order_total AS DECIMAL(18,2)) AS total,
    TRY_CAST(refunded_total AS DECIMAL(18,2)) AS refunded,
    TRY_CAST(item_refunded AS DECIMAL(18,2)) AS item_refunded,
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
  SELECT row_number, row_number() OVER (PARTITION BY order_id ORDER BY row_number) AS place
  FROM cells
),
orders AS (
  SELECT
    order_id,
    max(total) AS total,
    TRY_CAST(max(total) - coalesce(sum(net + tax), 0) AS DECIMAL(18,2)) AS charge,
    TRY_CAST(
      CASE
        WHEN max(status) IN ('cancelled', 'canceled', 'failed', 'pending', 'trash', 'checkout-draft') THEN max(total)
        WHEN max(status) = 'refunded' THEN coalesce(max(refunded), sum(item_refunded), max(total))
        ELSE coalesce(max(refunded), sum(item_refunded), 0)
      END AS DECIMAL(18,2)
    ) AS refund
  FROM cells
  GROUP BY order_id
),
lines AS (
  SELECT
    cells.row_number,
    coalesce(cells.item_id, TRY_CAST(numbered.place AS VARCHAR)) AS line_id,
    cells.product_id,
    cells.product_name,
    cells.quantity,
    TRY_CAST(cells.net + cells.tax AS DECIMAL(18,2)) AS amount,
    TRY_CAST(cells.subtotal - cells.net AS DECIMAL(18,2)) AS discount,
    'sale' AS kind
  FROM cells
  JOIN numbered ON numbered.row_number = cells.row_number
  UNION ALL
  SELECT cells.row_number, 'charge', NULL, NULL, NULL, orders.charge, NULL, 'charge'
  FROM cells
  JOIN numbered ON numbered.row_number = cells.row_number
  JOIN orders ON orders.order_id = cells.order_id
  WHERE numbered.place = 1 AND orders.charge <> 0
  UNION ALL
  SELECT cells.row_number, 'refund', NULL, NULL, NULL, -abs(orders.refund), NULL, 'refund'
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
  CASE
    WHEN cells.status IN ('cancelled', 'canceled', 'failed', 'pending', 'trash', 'checkout-draft') THEN 'cancelled'
    ELSE cells.status
  END AS status,
  lines.kind
FROM lines
JOIN cells ON cells.row_number = lines.row_number
