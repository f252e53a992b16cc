/*
description: "Campaigns: mailings, rules and workflows, each as the latest row tells it. Empty if no such export was given."
place: 7
thing: campaign
key: [campaign_id]
newest_by: row
moment: sent_at
changed_at: updated_at
money: [cost]
currency: currency
columns:
  campaign_id:   {type: VARCHAR, required: true, length: [1, 200], meaning: "Campaign, as messages and orders name it"}
  campaign_name: {type: VARCHAR, required: true, length: [1, 200], meaning: "What it is called; not given, its id"}
  campaign_type: {type: VARCHAR, required: true, values: [mailing, rule, workflow], meaning: "mailing (sent once), rule (sent to who fits, one by one) or workflow (in steps)"}
  programme:     {type: VARCHAR, required: true, length: [1, 200], meaning: "What it is one of, such as all newsletters; not given, its name"}
  channel:       {type: VARCHAR, required: true, length: [1, 200], meaning: "email, sms, push …, in lower case"}
  sent_at:       {type: TIMESTAMP, meaning: "When a mailing was sent, in the shop's time zone; null for rules and workflows"}
  window_days:   {type: INTEGER, unit: days, required: true, min: 1, max: 365, meaning: "Orders within so many days are looked at; not given, 5"}
  control_share: {type: DOUBLE, min: 0, max: 0.999, meaning: "Part of the members that was to get nothing, drawn by lot; null = unknown"}
  audience:      {type: VARCHAR, length: [1, 200], meaning: "Audience it went to, as its file is called, such as grid/loyal; global-v1: everybody. Members who were left alone are its control group then, if messages name none"}
  cost:          {type: "DECIMAL(18,2)", unit: currency, min: 0, max: 1e9, meaning: What it cost; null = unknown}
  currency:      {type: VARCHAR, pattern: "^[A-Z]{3}$", meaning: "Currency of the cost, ISO 4217"}
  coupon:        {type: VARCHAR, length: [1, 200], meaning: Coupon code it offers}
  discount_share: {type: DOUBLE, min: 0, max: 0.999, meaning: "Part of the price that it takes off, 0.1 for 10 %, the same for all members; null = none or unknown"}
  updated_at:    {type: TIMESTAMP, meaning: "When the row was last changed, in the shop's time zone; of two rows, the later counts"}
filled:
  - campaign_name: coalesce(campaign_name, campaign_id)
    campaign_type: lower(coalesce(campaign_type, 'mailing'))
    channel: lower(channel)
    audience: lower(audience)
    window_days: coalesce(window_days, 5)
    currency: coalesce(upper(currency), '{currency}')
  - programme: coalesce(programme, campaign_name)
derived:
  sent_on: {sql: CAST(sent_at AS DATE), type: DATE, nullable: true, meaning: Local day of sent_at}
rules:
  rule_sent_once:
    column: sent_at
    fails: sent_at IS NOT NULL AND campaign_type <> 'mailing'
    reason: "a time of sending of a rule or a workflow, which is sent to each member at another; leave it empty"
*/
