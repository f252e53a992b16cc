/*
description: "Events of messages, under our canonical names: one row per event. Addresses, links, subjects and devices are not taken over."
owner: team:data
foreign: [visit_id, order_id]
raw:
  event_id:    {meaning: "Where the export numbers its events; else it is made of what the event is"}
  campaign_id: {required: true}
  customer_id: {required: true}
  event:       {required: true, meaning: "assigned, sent, delivered, bounced, opened, clicked, unsubscribed or complained"}
  happened_at: {required: true, meaning: "May be empty for assigned: when the campaign was sent"}
  message_id:  {meaning: "Needed where a campaign writes to a customer twice"}
  group_name:  {meaning: "treated or control; treated if it is not given"}
  channel:     {}
  is_machine:  {}
  exported_at: {meaning: "When the file was exported: tells it from older and newer exports"}
*/
SELECT
  row_number, event_id, campaign_id, customer_id, event, happened_at, message_id, group_name, channel, is_machine,
  exported_at
FROM export
