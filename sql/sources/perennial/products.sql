/*
description: "The products of a shop under our canonical names: one row per product. All but its id may be absent, as long as something is told that only a list of products has."
owner: team:data
raw:
  product_id:    {required: true}
  product_name:  {}
  category:      {meaning: "Path of categories, divided by >"}
  brand:         {}
  list_price:    {}
  sale_price:    {}
  sale_from:     {}
  sale_until:    {}
  unit_cost:     {}
  currency:      {}
  in_stock:      {meaning: "true or false, yes or no, 1 or 0"}
  recommendable: {meaning: "true or false, yes or no, 1 or 0"}
  url:           {}
  image_url:     {}
  valid_from:    {meaning: "Since when the row holds: of two rows, the later counts"}
  exported_at:   {meaning: "When the file was exported: tells it from older and newer exports"}
one_of:
  - [list_price]
  - [sale_price]
  - [brand]
  - [in_stock]
  - [recommendable]
  - [valid_from]
  - [product_name, category]
*/
SELECT
  row_number, product_id, product_name, category, brand, list_price, sale_price, sale_from, sale_until, unit_cost,
  currency, in_stock, recommendable, url, image_url, valid_from, exported_at
FROM export
