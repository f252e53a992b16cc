/*
description: "Products as a text feed for Google Merchant Center lists them (field list: Product data specification in the help of Merchant Center): tab-separated, one row per item, names of attributes with _ or blanks. The category is product_type, the shop's own path, else google_product_category where that is written as a path. Prices bear their currency, such as 15.00 EUR, which must be the shop's. An item that is out of stock, or not yet there, cannot be bought."
owner: team:data
raw:
  id:               {required: true}
  title:            {required: true}
  link:             {required: true}
  image_link:       {aliases: [image link]}
  availability:     {required: true, meaning: "in_stock, out_of_stock, preorder, backorder"}
  price:            {required: true, type: number}
  sale_price:       {type: number, aliases: [sale price]}
  sale_price_effective_date: {aliases: [sale price effective date], meaning: "Two times divided by a slash"}
  cost_of_goods_sold: {type: number, aliases: [cost of goods sold]}
  brand:            {}
  product_type:     {aliases: [product type]}
  google_product_category: {aliases: [google product category]}
*/
SELECT
  row_number,
  id AS product_id,
  title AS product_name,
  coalesce(
    nullif(trim(split_part(product_type, ',', 1)), ''),
    CASE WHEN regexp_matches(google_product_category, '[^0-9 ]') THEN trim(google_product_category) END
  ) AS category,
  brand,
  price AS list_price,
  sale_price,
  nullif(trim(split_part(sale_price_effective_date, '/', 1)), '') AS sale_from,
  nullif(trim(split_part(sale_price_effective_date, '/', 2)), '') AS sale_until,
  cost_of_goods_sold AS unit_cost,
  CASE replace(lower(trim(availability)), ' ', '_')
    WHEN 'in_stock' THEN TRUE
    WHEN 'backorder' THEN TRUE
    WHEN 'out_of_stock' THEN FALSE
    WHEN 'preorder' THEN FALSE
  END AS in_stock,
  link AS url,
  image_link AS image_url
FROM export
