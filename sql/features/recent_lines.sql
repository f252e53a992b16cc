/*
description: "The lines of features.product_lines of the last 365 days, which most tables of products look at. A query for any day, not a table."
grain: [file_id, row_number]
owner: team:data
keep: true
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
SELECT
  file_id,
  row_number,
  customer_id,
  order_id,
  occasion_on,
  product_id,
  category,
  channel,
  place,
  quantity,
  amount
FROM features.product_lines
WHERE date_diff('day', occasion_on, $snapshot_date) < 365
