/*
description: "Consents given and withdrawn, one row per change: the latest up to a day counts on it. Empty if no such export was given."
place: 9
thing: change of consent
key: [customer_id, purpose, channel, status, changed_at]
person: customer_id
newest_by: row
moment: changed_at
changed_at: changed_at
personal: true
columns:
  customer_id: {type: VARCHAR, required: true, length: [1, 200], meaning: "Customer of the shop, as orders name it"}
  purpose:     {type: VARCHAR, required: true, values: [marketing, ads, ad_user_data, ad_personalization, own_similar], meaning: "What it is for; not given, marketing"}
  channel:     {type: VARCHAR, required: true, values: [email, sms, phone, push, post, ads, "*"], meaning: "By what way, in lower case; * is every one"}
  status:      {type: VARCHAR, required: true, values: [granted, withdrawn], meaning: Whether it was given or taken back}
  changed_at:  {type: TIMESTAMP, required: true, meaning: "When, in the shop's time zone"}
filled:
  - {purpose: "lower(coalesce(purpose, 'marketing'))", channel: lower(channel), status: lower(status)}
derived:
  changed_on: {sql: CAST(changed_at AS DATE), type: DATE, meaning: Local day of changed_at}
rules:
  granted_for_everything:
    column: channel
    fails: channel = '*' AND status = 'granted'
    reason: "a consent to every channel at once; * only withdraws, name the channels that were consented to"
*/
