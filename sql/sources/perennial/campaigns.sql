/*
description: "Campaigns, under our canonical names: one row per campaign. Only campaign_id and channel must be there."
owner: team:data
foreign: [customer_id, visit_id, order_id]
raw:
  campaign_id:   {required: true}
  campaign_name: {}
  campaign_type: {meaning: "mailing, rule or workflow; mailing if it is not given"}
  programme:     {}
  channel:       {required: true}
  sent_at:       {}
  window_days:   {}
  control_share: {meaning: "0.1 for a tenth"}
  audience:      {meaning: "The audience's file without its ending, such as grid/loyal"}
  cost:          {}
  currency:      {}
  coupon:        {}
  discount_share: {meaning: "0.1 for 10 %"}
  updated_at:    {meaning: "When the row was last changed: of two rows, the later counts"}
  exported_at:   {meaning: "When the file was exported: tells it from older and newer exports"}
*/
SELECT
  row_number, campaign_id, campaign_name, campaign_type, programme, channel, sent_at, window_days, control_share,
  audience, cost, currency, coupon, discount_share, updated_at, exported_at
FROM export
