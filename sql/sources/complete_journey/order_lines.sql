/*
description: "The Complete Journey (dunnhumby; Parquet files as the packages completejourney of R and Python bring them): a year of groceries of 2,469 households. One row per line of a basket; the household is the customer, the basket the order, times as they are stored. sales_value is what the shop received; the discount of its loyalty card and what it added to coupons were taken off before. Lines without pieces (coupons, deposits) are charges. Categories come from the file of products, which may lie beside it. There are no refunds, costs, channels or web events."
owner: team:data
raw:
  household_id:      {required: true}
  store_id:          {required: true}
  basket_id:         {required: true}
  product_id:        {required: true}
  quantity:          {required: true, type: number}
  sales_value:       {required: true, type: number, meaning: "Dollars the shop received for the line"}
  retail_disc:       {type: number, meaning: Discount of the loyalty card}
  coupon_match_disc: {type: number, meaning: What the shop added to a coupon of the maker}
  transaction_timestamp: {required: true}
*/
SELECT
  row_number,
  basket_id AS order_id,
  household_id AS customer_id,
  transaction_timestamp AS ordered_at,
  product_id,
  TRY_CAST(quantity AS DECIMAL(18,3)) AS quantity,
  TRY_CAST(
    (TRY_CAST(sales_value AS DOUBLE) + coalesce(TRY_CAST(retail_disc AS DOUBLE), 0)
      + coalesce(TRY_CAST(coupon_match_disc AS DOUBLE), 0)) / nullif(TRY_CAST(quantity AS DOUBLE), 0)
    AS DECIMAL(18,4)
  ) AS unit_price,
  TRY_CAST(sales_value AS DECIMAL(18,2)) AS amount,
  TRY_CAST(
    coalesce(TRY_CAST(retail_disc AS DOUBLE), 0) + coalesce(TRY_CAST(coupon_match_disc AS DOUBLE), 0)
    AS DECIMAL(18,2)
  ) AS discount,
  store_id,
  CASE WHEN TRY_CAST(quantity AS DOUBLE) > 0 THEN 'sale' ELSE 'charge' END AS kind
FROM export
