/*
description: "What visitors of the web shop did, under our canonical names: one row per event. Addresses, pages and devices are not taken over."
owner: team:data
raw:
  event_id:    {meaning: "Where the export numbers its events; else it is made of visit, time, event, product and order"}
  visit_id:    {required: true}
  customer_id: {meaning: Empty for a visitor nobody knows}
  happened_at: {required: true}
  event:       {required: true, meaning: "product_view, add_to_cart, checkout, purchase or other"}
  product_id:  {}
  order_id:    {}
  source:      {}
  medium:      {}
  campaign_id: {}
  exported_at: {meaning: "When the file was exported: tells it from older and newer exports"}
*/
SELECT
  row_number, event_id, visit_id, customer_id, happened_at, event, product_id, order_id, source, medium, campaign_id,
  exported_at
FROM export
