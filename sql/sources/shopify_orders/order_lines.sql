/*
description: "Orders as Shopify's admin exports them (Orders, Export, CSV; field list: Shopify Help Center, Exporting orders). One row per line item; what concerns the whole order stands on its first row only, the one with the Total, and is filled down by Name. Of several orders of one Name in a file, told apart by Id, else by Created at, all but the last bear their day, too. The order's Subtotal, which is after discounts, is shared among its lines by quantity × price − line discount. What Total holds beyond it (postage, taxes that are not in the prices, duties, tips) is one charge, and Refunded Amount one refund, on the day of the cancellation or else of the order, since the export names no other. So revenue is Total − Refunded Amount. An order without its first row is quarantined; one that lacks further rows keeps its money. Gift cards that are sold are charges of 0: the shop owes them, and the goods they pay for count. The customer is Customer ID where the export has one, else the hash of the e-mail address: the address itself is not kept."
owner: team:data
duplicate_lines: keep
raw:
  Name:              {required: true, meaning: "Name of the order in the shop, such as #1001"}
  Id:                {meaning: "Number of the order inside Shopify; not the one of a spreadsheet that rounded it"}
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
statuses:
  column: Financial Status
  stands: [paid, partially_paid, partially_refunded]
  unpaid: [pending, authorized, unpaid]
  never_stood: [voided, expired]
  refunded: [refunded]
gift_cards:
  columns: [Lineitem name, Lineitem sku]
  patterns:
    ["gift card", "* gift card", "gift card - *", "* gift card - *", "gift card (*", "gift card, *", "gift cards",
     "e-gift card*", "giftcard*", "gift voucher*", "gift certificate*", "* gift voucher", "* gift certificate",
     "geschenkgutschein*", "geschenkkarte*", "karta podarunkowa*", "bon podarunkowy*", "carte cadeau*",
     "chèque cadeau*", "tarjeta regalo*", "tarjeta de regalo*", "carta regalo*", "buono regalo*", "cadeaubon*"]
whole_orders: true
problems:
  cut_between_files:
    limited: false
    reason: "the first row of this order, with its total, is not in this file, as where an export comes in parts; the part that has it brings the whole order"
  first_row_missing:
    reason: "the first row of this order, with its total, is not in this file; export the order again"
  which_order:
    reason: "several orders bear this name, and nothing tells to which of them this row belongs; export them again, unsorted"
  totals_differ:
    reason: "the rows of this order name different totals; export the order again"
  twice:
    reason: "this order stands in the file more than once; take the copies out or export it again"
  items_missing:
    quarantined: false
    reason: "orders whose items do not add up to their subtotal: the file lacks rows of theirs, as where an export is cut in parts. The total counts, shared among the items there are; export these orders whole for the right products"
*/
WITH cells AS (
  SELECT
    row_number,
    nullif(trim(Name), '') AS name,
    nullif(trim(TRY_CAST("Customer ID" AS VARCHAR)), '') AS customer_id,
    Email AS guest_id,
    nullif(trim(TRY_CAST("Created at" AS VARCHAR)), '') AS created_at,
    nullif(trim(TRY_CAST("Cancelled at" AS VARCHAR)), '') AS cancelled_at,
    lower(nullif(trim("Financial Status"), '')) AS payment,
    standing,
    nullif(trim(Currency), '') AS currency,
    TRY_CAST(Subtotal AS DECIMAL(18,2)) AS subtotal,
    TRY_CAST(Total AS DECIMAL(18,2)) AS total,
    CASE WHEN TRY_CAST(Total AS DECIMAL(18,2)) IS NOT NULL THEN
      coalesce(
        nullif(regexp_extract(trim(TRY_CAST(Id AS VARCHAR)), '^([0-9]+)$', 1), ''), trim(TRY_CAST("Created at" AS VARCHAR)),
        ''
      )
    END AS mark,
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
    nullif(trim("Lineitem name"), '') IS NOT NULL OR TRY_CAST("Lineitem price" AS DECIMAL(18,4)) IS NOT NULL AS has_item,
    is_gift_card,
    TRY_CAST("Lineitem quantity" AS DOUBLE) * TRY_CAST("Lineitem price" AS DOUBLE) AS gross,
    TRY_CAST("Lineitem quantity" AS DOUBLE) * TRY_CAST("Lineitem price" AS DOUBLE)
    - coalesce(TRY_CAST("Lineitem discount" AS DOUBLE), 0) AS weight
  FROM export
),
names AS (
  SELECT name, count(DISTINCT mark) AS marks, max(mark) AS mark
  FROM cells
  GROUP BY name
),
islands AS (
  SELECT
    row_number,
    name,
    CASE WHEN mark IS NOT NULL THEN row_number END AS first_row,
    row_number - row_number() OVER (PARTITION BY name ORDER BY row_number) AS island
  FROM cells
),
neighbours AS (
  SELECT
    row_number,
    max(first_row) OVER (
      PARTITION BY name, island ORDER BY row_number ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS first_row
  FROM islands
),
placed AS (
  SELECT
    cells.row_number,
    cells.name,
    CASE WHEN names.marks > 1 THEN firsts.mark ELSE names.mark END AS mark,
    coalesce(names.marks > 1 AND firsts.mark IS NULL, FALSE) AS is_homeless
  FROM cells
  JOIN neighbours ON neighbours.row_number = cells.row_number
  LEFT JOIN names ON names.name = cells.name
  LEFT JOIN cells AS firsts ON firsts.row_number = neighbours.first_row
),
homeless AS (
  SELECT name, count(CASE WHEN is_homeless THEN 1 END) AS rows_without
  FROM placed
  GROUP BY name
),
keyed AS (
  SELECT
    cells.row_number,
    cells.name,
    cells.name || '|' || coalesce(placed.mark, '') AS order_key,
    row_number() OVER (PARTITION BY cells.name, placed.mark ORDER BY cells.row_number) AS place,
    CASE WHEN cells.has_item AND cells.is_gift_card THEN coalesce(cells.weight, 0) ELSE 0 END AS gift_weight,
    CASE WHEN cells.has_item AND cells.is_gift_card THEN 0 ELSE cells.weight END AS weight
  FROM cells
  JOIN placed ON placed.row_number = cells.row_number
),
copies AS (
  SELECT keyed.order_key, max(keyed.row_number) AS row_number
  FROM keyed
  JOIN cells ON cells.row_number = keyed.row_number
  WHERE cells.mark IS NOT NULL AND cells.has_item
  GROUP BY keyed.order_key, cells.product_id, cells.product_name, cells.quantity, cells.unit_price
  HAVING count(*) > 1
),
file_end AS (
  SELECT max(row_number) AS last_row
  FROM cells
),
sums AS (
  SELECT
    keyed.order_key,
    max(keyed.name) AS name,
    min(keyed.row_number) AS first_row,
    max(keyed.row_number) AS last_row,
    max(cells.customer_id) AS customer_id,
    max(cells.guest_id) AS guest_id,
    max(cells.created_at) AS created_at,
    max(cells.cancelled_at) AS cancelled_at,
    max(cells.payment) AS payment,
    max(cells.standing) AS standing,
    max(cells.currency) AS currency,
    TRY_CAST(max(cells.subtotal) AS DOUBLE) AS subtotal,
    sum(keyed.weight) AS weight,
    sum(keyed.gift_weight) AS gift_weight,
    max(cells.total) AS total,
    count(DISTINCT cells.total) AS totals,
    coalesce(max(cells.refunded), 0) AS refunded,
    max(cells.coupon) AS coupon,
    max(cells.sales_channel) AS sales_channel,
    max(cells.store_id) AS store_id,
    max(cells.country) AS country,
    max(cells.region) AS region,
    max(cells.city) AS city
  FROM keyed
  JOIN cells ON cells.row_number = keyed.row_number
  GROUP BY keyed.order_key
),
orders AS (
  SELECT
    order_key,
    name,
    first_row,
    last_row,
    CASE
      WHEN row_number() OVER (PARTITION BY name ORDER BY created_at DESC, order_key DESC) = 1 THEN name
      ELSE name || ' ' || left(coalesce(created_at, order_key), 10)
    END AS order_id,
    customer_id,
    guest_id,
    created_at,
    cancelled_at,
    payment,
    standing,
    currency,
    coalesce(subtotal, weight + gift_weight) - least(gift_weight, greatest(coalesce(subtotal, gift_weight), 0)) AS goods,
    TRY_CAST(least(gift_weight, greatest(coalesce(subtotal, gift_weight), 0)) AS DECIMAL(18,2)) AS gifts,
    weight,
    coalesce(subtotal > weight + gift_weight + 0.05, FALSE) AS lacks_items,
    total,
    totals,
    refunded,
    coupon,
    sales_channel,
    store_id,
    country,
    region,
    city
  FROM sums
),
running AS (
  SELECT
    row_number,
    sum(weight) OVER (
      PARTITION BY order_key ORDER BY row_number ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS weight_so_far
  FROM keyed
),
shares AS (
  SELECT
    keyed.row_number,
    keyed.row_number = coalesce(orders.first_row, keyed.row_number) AS is_first,
    CASE
      WHEN orders.weight <> 0 THEN
        TRY_CAST(orders.goods * running.weight_so_far / nullif(orders.weight, 0) AS DECIMAL(18,2))
        - TRY_CAST(orders.goods * (running.weight_so_far - keyed.weight) / nullif(orders.weight, 0) AS DECIMAL(18,2))
      ELSE TRY_CAST(keyed.weight AS DECIMAL(18,2))
    END AS amount
  FROM keyed
  JOIN running ON running.row_number = keyed.row_number
  LEFT JOIN orders ON orders.order_key = keyed.order_key
),
goods AS (
  SELECT keyed.order_key, TRY_CAST(sum(shares.amount) AS DECIMAL(18,2)) AS amount
  FROM shares
  JOIN keyed ON keyed.row_number = shares.row_number
  JOIN cells ON cells.row_number = shares.row_number
  WHERE cells.has_item AND NOT cells.is_gift_card
  GROUP BY keyed.order_key
),
money AS (
  SELECT
    orders.order_key,
    coalesce(orders.total - coalesce(goods.amount, 0) - orders.gifts, 0) AS charge,
    CASE
      WHEN orders.standing = 'never_stood' THEN orders.total - orders.gifts
      WHEN orders.cancelled_at IS NOT NULL AND orders.standing = 'unpaid' THEN orders.total - orders.gifts
      WHEN orders.standing = 'refunded' AND orders.refunded = 0 THEN orders.total - orders.gifts
      WHEN orders.gifts <> 0 THEN least(abs(orders.refunded), orders.total - orders.gifts)
      ELSE abs(orders.refunded)
    END AS refund
  FROM orders
  LEFT JOIN goods ON goods.order_key = orders.order_key
),
lines AS (
  SELECT
    cells.row_number,
    TRY_CAST(keyed.place AS VARCHAR) AS line_id,
    cells.product_id,
    cells.product_name,
    cells.quantity,
    cells.unit_price,
    shares.amount,
    TRY_CAST(cells.gross AS DECIMAL(18,2)) - shares.amount AS discount,
    'sale' AS kind
  FROM cells
  JOIN keyed ON keyed.row_number = cells.row_number
  JOIN shares ON shares.row_number = cells.row_number
  WHERE cells.has_item AND NOT cells.is_gift_card
  UNION ALL
  SELECT
    cells.row_number,
    CASE WHEN cells.has_item AND cells.is_gift_card THEN TRY_CAST(keyed.place AS VARCHAR) ELSE 'charge' END,
    CASE WHEN cells.is_gift_card THEN cells.product_id END,
    CASE WHEN cells.is_gift_card THEN cells.product_name END,
    CASE WHEN cells.is_gift_card THEN cells.quantity END,
    CASE WHEN cells.is_gift_card THEN cells.unit_price END,
    CASE WHEN shares.is_first THEN coalesce(money.charge, 0) ELSE 0 END,
    NULL,
    'charge'
  FROM cells
  JOIN keyed ON keyed.row_number = cells.row_number
  JOIN shares ON shares.row_number = cells.row_number
  LEFT JOIN money ON money.order_key = keyed.order_key
  WHERE NOT cells.has_item OR cells.is_gift_card OR (shares.is_first AND money.charge <> 0)
  UNION ALL
  SELECT cells.row_number, 'refund', NULL, NULL, NULL, NULL, -money.refund, NULL, 'refund'
  FROM cells
  JOIN keyed ON keyed.row_number = cells.row_number
  JOIN shares ON shares.row_number = cells.row_number
  JOIN money ON money.order_key = keyed.order_key
  WHERE shares.is_first AND money.refund <> 0
)
SELECT
  lines.row_number,
  coalesce(orders.order_id, keyed.name) AS order_id,
  lines.line_id,
  coalesce(orders.customer_id, cells.customer_id) AS customer_id,
  coalesce(orders.guest_id, cells.guest_id) AS guest_id,
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
    WHEN orders.cancelled_at IS NOT NULL OR orders.standing = 'never_stood' THEN 'cancelled'
    ELSE orders.payment
  END AS status,
  lines.kind,
  CASE
    WHEN orders.order_key IS NULL THEN NULL
    WHEN orders.totals = 0 AND homeless.rows_without > 0 THEN 'which_order'
    WHEN orders.totals = 0 AND (orders.first_row = 1 OR orders.last_row = file_end.last_row) THEN 'cut_between_files'
    WHEN orders.totals = 0 THEN 'first_row_missing'
    WHEN homeless.rows_without > 0 THEN 'which_order'
    WHEN orders.totals > 1 THEN 'totals_differ'
    WHEN copies.row_number IS NOT NULL THEN 'twice'
    WHEN orders.lacks_items THEN 'items_missing'
  END AS problem
FROM lines
JOIN cells ON cells.row_number = lines.row_number
JOIN keyed ON keyed.row_number = lines.row_number
CROSS JOIN file_end
LEFT JOIN homeless ON homeless.name = keyed.name
LEFT JOIN orders ON orders.order_key = keyed.order_key
LEFT JOIN (SELECT order_key, max(row_number) AS row_number FROM copies GROUP BY order_key) AS copies
  ON copies.order_key = keyed.order_key
