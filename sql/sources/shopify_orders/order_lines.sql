/*
description: "Orders as Shopify's admin exports them (Orders, Export, CSV; field list: Shopify Help Center, Exporting orders). One row per line item; what concerns the whole order stands on its first row only and is filled down by Name. The order's Subtotal, which is after discounts, is shared among its lines by quantity × price − line discount. What Total holds beyond it (postage, taxes that are not in the prices, duties, tips) is one charge, and Refunded Amount one refund, on the day of the cancellation or else of the order, since the export names no other. So revenue is Total − Refunded Amount; an order that was voided, or cancelled before it was paid, brings nothing. The customer is Customer ID where the export has one, else the SHA-256 of the e-mail address in lower case: the address itself is not kept."
owner: team:data
duplicate_lines: keep
raw:
  Name:              {required: true, meaning: "Name of the order in the shop, such as #1001"}
  Customer ID:       {aliases: [Customer Id, Customer]}
  Email:             {required: true, type: email}
  Financial Status:  {}
  Currency:          {}
  Subtotal:          {type: number, meaning: "After discounts, before postage and taxes"}
  Total:             {required: true, type: number}
  Discount Code:     {}
  Created at:        {required: true, type: timestamp}
  Cancelled at:      {type: timestamp, aliases: [Canceled at]}
  Refunded Amount:   {type: number}
  Lineitem quantity: {required: true, type: number}
  Lineitem name:     {required: true}
  Lineitem price:    {required: true, type: number}
  Lineitem discount: {type: number}
  Lineitem sku:      {}
  Source:            {}
  Location:          {}
  Billing Country:   {}
  Shipping Country:  {}
  Shipping Province: {}
  Shipping City:     {}
*/
WITH cells AS (
  SELECT
    row_number,
    nullif(trim(Name), '') AS order_id,
    coalesce(nullif(trim(TRY_CAST("Customer ID" AS VARCHAR)), ''), Email) AS customer_id,
    nullif(trim(TRY_CAST("Created at" AS VARCHAR)), '') AS created_at,
    nullif(trim(TRY_CAST("Cancelled at" AS VARCHAR)), '') AS cancelled_at,
    lower(nullif(trim("Financial Status"), '')) AS payment,
    nullif(trim(Currency), '') AS currency,
    TRY_CAST(Subtotal AS DECIMAL(18,2)) AS subtotal,
    TRY_CAST(Total AS DECIMAL(18,2)) AS total,
    TRY_CAST("Refunded Amount" AS DECIMAL(18,2)) AS refunded,
    nullif(trim("Discount Code"), '') AS coupon,
    nullif(trim(Source), '') AS sales_channel,
    nullif(trim(Location), '') AS store_id,
    coalesce(nullif(trim("Shipping Country"), ''), nullif(trim("Billing Country"), '')) AS country,
    nullif(trim("Shipping Province"), '') AS region,
    nullif(trim("Shipping City"), '') AS city,
    left(coalesce(nullif(trim("Lineitem sku"), ''), nullif(trim("Lineitem name"), '')), 200) AS product_id,
    nullif(trim("Lineitem name"), '') AS product_name,
    TRY_CAST("Lineitem quantity" AS DECIMAL(18,3)) AS quantity,
    TRY_CAST("Lineitem price" AS DECIMAL(18,4)) AS unit_price,
    TRY_CAST("Lineitem quantity" AS DOUBLE) * TRY_CAST("Lineitem price" AS DOUBLE) AS gross,
    coalesce(TRY_CAST("Lineitem discount" AS DOUBLE), 0) AS line_discount
  FROM export
),
orders AS (
  SELECT
    order_id,
    min(row_number) AS first_row,
    max(customer_id) AS customer_id,
    max(created_at) AS created_at,
    max(cancelled_at) AS cancelled_at,
    max(payment) AS payment,
    max(currency) AS currency,
    coalesce(TRY_CAST(max(subtotal) AS DOUBLE), sum(gross - line_discount)) AS goods,
    sum(gross - line_discount) AS weight,
    max(total) AS total,
    coalesce(max(refunded), 0) AS refunded,
    max(coupon) AS coupon,
    max(sales_channel) AS sales_channel,
    max(store_id) AS store_id,
    max(country) AS country,
    max(region) AS region,
    max(city) AS city
  FROM cells
  GROUP BY order_id
),
running AS (
  SELECT
    row_number,
    row_number() OVER (PARTITION BY order_id ORDER BY row_number) AS place,
    sum(gross - line_discount) OVER (
      PARTITION BY order_id ORDER BY row_number ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS weight_so_far
  FROM cells
),
shares AS (
  SELECT
    cells.row_number,
    cells.product_name IS NOT NULL OR cells.unit_price IS NOT NULL AS has_item,
    cells.row_number = coalesce(orders.first_row, cells.row_number) AS is_first,
    running.place,
    CASE
      WHEN orders.weight <> 0 THEN
        TRY_CAST(orders.goods * running.weight_so_far / nullif(orders.weight, 0) AS DECIMAL(18,2))
        - TRY_CAST(
          orders.goods * (running.weight_so_far - (cells.gross - cells.line_discount)) / nullif(orders.weight, 0)
          AS DECIMAL(18,2)
        )
      ELSE TRY_CAST(cells.gross - cells.line_discount AS DECIMAL(18,2))
    END AS amount
  FROM cells
  JOIN running ON running.row_number = cells.row_number
  LEFT JOIN orders ON orders.order_id = cells.order_id
),
goods AS (
  SELECT cells.order_id, TRY_CAST(sum(shares.amount) AS DECIMAL(18,2)) AS amount
  FROM shares
  JOIN cells ON cells.row_number = shares.row_number
  WHERE shares.has_item
  GROUP BY cells.order_id
),
money AS (
  SELECT
    orders.order_id,
    coalesce(orders.total - coalesce(goods.amount, 0), 0) AS charge,
    CASE
      WHEN orders.payment IN ('voided', 'expired') THEN orders.total
      WHEN orders.cancelled_at IS NOT NULL AND orders.payment IN ('pending', 'authorized') THEN orders.total
      WHEN orders.payment = 'refunded' AND orders.refunded = 0 THEN orders.total
      ELSE orders.refunded
    END AS refund
  FROM orders
  LEFT JOIN goods ON goods.order_id = orders.order_id
),
lines AS (
  SELECT
    cells.row_number,
    TRY_CAST(shares.place AS VARCHAR) AS line_id,
    cells.product_id,
    cells.product_name,
    cells.quantity,
    cells.unit_price,
    shares.amount,
    TRY_CAST(cells.gross AS DECIMAL(18,2)) - shares.amount AS discount,
    'sale' AS kind
  FROM cells
  JOIN shares ON shares.row_number = cells.row_number
  WHERE shares.has_item
  UNION ALL
  SELECT
    cells.row_number, 'charge', NULL, NULL, NULL, NULL,
    CASE WHEN shares.is_first THEN coalesce(money.charge, 0) ELSE 0 END,
    NULL, 'charge'
  FROM cells
  JOIN shares ON shares.row_number = cells.row_number
  LEFT JOIN money ON money.order_id = cells.order_id
  WHERE NOT shares.has_item OR (shares.is_first AND money.charge <> 0)
  UNION ALL
  SELECT cells.row_number, 'refund', NULL, NULL, NULL, NULL, -money.refund, NULL, 'refund'
  FROM cells
  JOIN shares ON shares.row_number = cells.row_number
  JOIN money ON money.order_id = cells.order_id
  WHERE shares.is_first AND money.refund <> 0
)
SELECT
  lines.row_number,
  cells.order_id,
  lines.line_id,
  coalesce(orders.customer_id, cells.customer_id) AS customer_id,
  CASE WHEN lines.kind = 'refund' THEN coalesce(orders.cancelled_at, orders.created_at) ELSE orders.created_at END
    AS ordered_at,
  lines.product_id,
  lines.product_name,
  lines.quantity,
  lines.unit_price,
  lines.amount,
  lines.discount,
  orders.currency,
  orders.sales_channel,
  orders.coupon,
  orders.country,
  orders.region,
  orders.city,
  orders.store_id,
  CASE
    WHEN orders.cancelled_at IS NOT NULL OR orders.payment IN ('voided', 'expired') THEN 'cancelled'
    ELSE orders.payment
  END AS status,
  lines.kind
FROM lines
JOIN cells ON cells.row_number = lines.row_number
LEFT JOIN orders ON orders.order_id = cells.order_id
