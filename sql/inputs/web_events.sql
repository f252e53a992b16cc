/*
description: "What visitors of the web shop did: products viewed, carts, checkouts, purchases. Each event counts once, as the newest export tells it. Empty if no such export was given."
place: 6
thing: event
key: [event_id]
person: customer_id
newest_by: file
moment: happened_at
gives: what customers viewed before they bought, or instead
personal: true
columns:
  event_id:    {type: VARCHAR, required: true, length: [1, 200], meaning: "Event; not given, it is made of visit, time, event, product and order"}
  visit_id:    {type: VARCHAR, required: true, length: [1, 200], meaning: Visit as the web analytics number it}
  customer_id: {type: VARCHAR, length: [1, 200], meaning: "Customer of the shop, as orders name it; null for a visitor nobody knows"}
  happened_at: {type: TIMESTAMP, required: true, meaning: "When it happened, in the shop's time zone"}
  event:       {type: VARCHAR, required: true, values: [product_view, add_to_cart, checkout, purchase, other], meaning: "What happened, in lower case"}
  product_id:  {type: VARCHAR, length: [1, 200], meaning: "Product that was viewed or put into the cart, as order lines name it"}
  order_id:    {type: VARCHAR, length: [1, 200], meaning: Order of a purchase}
  source:      {type: VARCHAR, meaning: "Where the visit came from (utm_source)"}
  medium:      {type: VARCHAR, meaning: "By what kind of link (utm_medium)"}
  campaign_id: {type: VARCHAR, length: [1, 200], meaning: Campaign that the visit is ascribed to}
filled:
  - event: lower(event)
  - event_id: >-
      coalesce(event_id, md5(concat_ws('|', visit_id, CAST(happened_at AS VARCHAR), event, coalesce(product_id, ''),
      coalesce(order_id, ''))))
derived:
  happened_on: {sql: CAST(happened_at AS DATE), type: DATE, meaning: Local day of happened_at}
*/
