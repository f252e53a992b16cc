/*
description: "Online Retail (UCI), both editions. Invoices that begin with C are cancellations, booked as refunds; stock codes that are no products are charges. A product has four digits in a row (22423, 85123A, DCGS0003, SP1002) or is one of the web shop's party bags (DCGSSGIRL); every other code (POST, M, BANK CHARGES, ADJUST2, TEST001, PADS …) is a charge, and so are vouchers (GIFT_0001_20) and the two services with a stock number of their own, 23444 (next day carriage) and 23574 (packing charge). Setting charge_products says otherwise."
owner: team:data
duplicate_lines: keep
raw:
  InvoiceNo:   {required: true, aliases: [Invoice]}
  StockCode:   {required: true}
  Description: {}
  Quantity:    {required: true}
  InvoiceDate: {required: true}
  UnitPrice:   {required: true, aliases: [Price]}
  CustomerID:  {required: true, aliases: [Customer ID]}
  Country:     {}
*/
WITH lines AS (
  SELECT
    row_number,
    trim(TRY_CAST(InvoiceNo AS VARCHAR)) AS invoice,
    upper(trim(TRY_CAST(StockCode AS VARCHAR))) AS code,
    Description,
    TRY_CAST(Quantity AS DECIMAL(18,3)) AS quantity,
    TRY_CAST(InvoiceDate AS TIMESTAMP) AS invoiced_at,
    TRY_CAST(UnitPrice AS DECIMAL(18,4)) AS price,
    regexp_replace(trim(TRY_CAST(CustomerID AS VARCHAR)), '\.0$', '', 'g') AS customer,
    Country
  FROM export
)
SELECT
  row_number,
  invoice AS order_id,
  customer AS customer_id,
  invoiced_at AS ordered_at,
  code AS product_id,
  Description AS product_name,
  quantity,
  price AS unit_price,
  Country AS country,
  CASE
    WHEN invoice LIKE 'C%' OR quantity < 0 THEN 'refund'
    WHEN NOT regexp_matches(code, '[0-9]{4}') AND code NOT LIKE 'DCGS%' THEN 'charge'
    WHEN code LIKE 'GIFT%' OR code IN ('23444', '23574') THEN 'charge'
    ELSE 'sale'
  END AS kind
FROM lines
