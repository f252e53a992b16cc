/*
description: "Lines of all orders, each order whole from the newest export that holds it. A row of an export is one line, or one of each kind where it also holds postage or what was paid back."
place: 1
thing: order
key: [order_id]
person: customer_id
newest_by: file
moment: ordered_at
borrows_moment: kind = 'refund'
grain: [file_id, row_number, kind]
money: [amount, unit_price, discount]
currency: currency
columns:
  order_id:      {type: VARCHAR, required: true, length: [1, 200], meaning: "Order of the shop; unique in the shop, whatever export it comes from"}
  line_id:       {type: VARCHAR, length: [1, 200], inside_key: true, meaning: "Line inside the order, as the shop numbers it"}
  customer_id:   {type: VARCHAR, length: [1, 200], meaning: Customer of the shop; null for a guest}
  ordered_at:    {type: TIMESTAMP, required: true, meaning: "When the line was booked, in the shop's time zone"}
  product_id:    {type: VARCHAR, length: [1, 200], meaning: Product (SKU)}
  product_name:  {type: VARCHAR, meaning: Name of the product}
  category:      {type: VARCHAR, meaning: Category of the product}
  quantity:      {type: "DECIMAL(18,3)", unit: pieces, min: -1e7, max: 1e7, meaning: "Pieces, negative when returned"}
  unit_price:    {type: "DECIMAL(18,4)", unit: currency, min: -1e9, max: 1e9, meaning: Price of one piece before discount}
  unit_cost:     {type: "DECIMAL(18,4)", unit: currency, min: 0, max: 1e9, meaning: "What one piece cost the shop, in the reporting currency"}
  amount:        {type: "DECIMAL(18,2)", unit: currency, min: -1e9, max: 1e9, required: true, meaning: "What the line adds to revenue, negative for refunds: given, else quantity × unit price − discount"}
  discount:      {type: "DECIMAL(18,2)", unit: currency, min: -1e9, max: 1e9, meaning: Taken off the line; already inside an amount that is given}
  currency:      {type: VARCHAR, pattern: "^[A-Z]{3}$", meaning: "Currency of the amounts, ISO 4217"}
  sales_channel: {type: VARCHAR, meaning: "Where it was sold: web, app, store, marketplace …"}
  source:        {type: VARCHAR, meaning: Conversion source (utm_source)}
  medium:        {type: VARCHAR, meaning: Conversion medium (utm_medium)}
  campaign_id:   {type: VARCHAR, meaning: Campaign the order is ascribed to by the shop}
  coupon:        {type: VARCHAR, meaning: Coupon code used}
  country:       {type: VARCHAR, meaning: Country of delivery}
  region:        {type: VARCHAR, meaning: Region of delivery}
  city:          {type: VARCHAR, meaning: City of delivery}
  store_id:      {type: VARCHAR, length: [1, 200], meaning: Store it was sold in}
  status:        {type: VARCHAR, meaning: Status of the order; cancelled and voided orders are no purchase occasion}
  kind:          {type: VARCHAR, required: true, values: [sale, refund, charge], meaning: "sale, refund (money back) or charge (postage, fees: no product)"}
filled:
  - amount: coalesce(amount, TRY_CAST(quantity * unit_price - CASE WHEN quantity * unit_price < 0 THEN -abs(coalesce(discount, 0)) ELSE coalesce(discount, 0) END AS DECIMAL(18,2)))
  - kind: coalesce(lower(kind), CASE WHEN amount < 0 OR quantity < 0 THEN 'refund' ELSE 'sale' END)
    currency: coalesce(upper(currency), '{currency}')
  - kind: CASE WHEN kind = 'sale' AND {is_charge} THEN 'charge' WHEN kind = 'charge' AND {is_product} THEN 'sale' ELSE kind END
one_per_row: {where: kind = 'charge', sum: amount, first_by: product_id}
signs:
  discount:
    where: quantity * unit_price > 0
    negative: "all discounts are written negative ({rows}); they were taken off, not added."
    mixed: "discounts are positive in {positive} and negative in {negative}, where they raise the amount: is that meant?"
derived:
  ordered_on:        {sql: CAST(ordered_at AS DATE), type: DATE, meaning: Local day of ordered_at}
  original_amount:   {before_conversion: amount, type: "DECIMAL(18,2)", nullable: true, meaning: The amount before it was converted; null if it was not}
  original_currency: {before_conversion: currency, type: VARCHAR, nullable: true, meaning: Currency of original_amount; null if nothing was converted}
rules:
  refund_adds:
    column: amount
    fails: kind = 'refund' AND amount > 0
    turned:
      where: kind = 'refund'
      subject: positive_refunds
      says: "all refunds are written with positive amounts ({rows}); they were turned negative."
    reason: a refund with a positive amount; it must be negative (or quantity and unit price must not both be negative)
*/
