/*
description: "Exports that already use our canonical names: one row per order line. Columns may come in any order and all but four may be absent."
owner: team:data
duplicate_lines: keep
raw:
  order_id:      {required: true}
  line_id:       {}
  customer_id:   {required: true}
  ordered_at:    {required: true}
  product_id:    {}
  product_name:  {}
  category:      {}
  quantity:      {}
  unit_price:    {}
  unit_cost:     {}
  amount:        {}
  discount:      {}
  currency:      {}
  sales_channel: {}
  source:        {}
  medium:        {}
  campaign_id:   {}
  coupon:        {}
  country:       {}
  region:        {}
  city:          {}
  store_id:      {}
  status:        {}
  kind:          {}
  exported_at:   {meaning: "When the file was exported: tells it from older and newer exports"}
one_of:
  - [amount]
  - [quantity, unit_price]
*/
SELECT
  row_number, order_id, line_id, customer_id, ordered_at, product_id, product_name, category, quantity, unit_price,
  unit_cost, amount, discount, currency, sales_channel, source, medium, campaign_id, coupon, country, region, city,
  store_id, status, kind, exported_at
FROM export
