/*
description: "Sale lines of customers' orders that stand at the end of a day, each on the day its order counts for. Charges (postage, fees, gift cards sold), refunds and products that the list of products calls not recommendable are none; lines without a product or a category are kept, so that their share can be told. A query for any day, not a table."
grain: [file_id, row_number]
owner: team:data
columns:
  file_id:     {type: VARCHAR, meaning: Export that the line is from}
  row_number:  {type: BIGINT, min: 1, meaning: Its row in that export}
  customer_id: {type: VARCHAR, meaning: Customer of the shop}
  order_id:    {type: VARCHAR, meaning: Order of the shop}
  occasion_on: {type: DATE, meaning: "Day of the purchase: the day the order counts for, also for a line that was booked later"}
  product_id:  {type: VARCHAR, nullable: true, meaning: Product of the line}
  category:    {type: VARCHAR, nullable: true, meaning: "Category of the product: as the list of products tells it, else as the line does"}
  channel:     {type: VARCHAR, nullable: true, meaning: "Where it was sold (web, store, marketplace …), in lower case"}
  place:       {type: VARCHAR, nullable: true, meaning: "Store it was sold in, else region of delivery"}
  quantity:    {type: "DECIMAL(18,3)", nullable: true, unit: pieces, meaning: Pieces sold}
  amount:      {type: "DECIMAL(18,2)", unit: currency, meaning: "What the line added to revenue, before refunds"}
*/
WITH standing AS (
  SELECT order_id, customer_id, ordered_on
  FROM staging.orders
  WHERE known_on <= $snapshot_date AND customer_id IS NOT NULL
  GROUP BY order_id, customer_id, ordered_on
  HAVING sum(orders) > 0
)
SELECT
  lines.file_id,
  lines.row_number,
  standing.customer_id,
  standing.order_id,
  standing.ordered_on AS occasion_on,
  lines.product_id,
  coalesce(products.category, lines.category) AS category,
  lower(trim(lines.sales_channel)) AS channel,
  coalesce(lines.store_id, lines.region) AS place,
  lines.quantity,
  lines.amount
FROM staging.order_lines AS lines
JOIN standing ON standing.order_id = lines.order_id
LEFT JOIN staging.products AS products ON products.product_id = lines.product_id
WHERE coalesce(products.recommendable, TRUE) = TRUE AND lines.kind = 'sale' AND lines.ordered_on <= $snapshot_date
