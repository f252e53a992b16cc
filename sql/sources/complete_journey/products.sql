/*
description: "Products of The Complete Journey (dunnhumby): the category is product_category (about 300), the name product_type, of which there are 2,400 for 92,000 products; the brand says National or Private only. Departments are not taken over: one category lies in up to seven of them. Coupons and fuel are no goods to recommend. There are no prices and no stock."
owner: team:data
raw:
  product_id:       {required: true}
  department:       {required: true}
  brand:            {}
  product_category: {required: true}
  product_type:     {required: true}
*/
SELECT
  row_number,
  product_id,
  coalesce(product_type, product_category) AS product_name,
  product_category AS category,
  brand,
  coalesce(product_category, '') NOT IN ('COUPON/MISC ITEMS', 'FUEL') AS recommendable
FROM export
