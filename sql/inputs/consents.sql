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
  purpose:     {type: VARCHAR, required: true, values: [marketing, ads, ad_user_data, ad_personalization, own_similar, "*"], meaning: "What it is for; not given, marketing; * is every one"}
  channel:     {type: VARCHAR, required: true, values: [email, sms, phone, push, post, ads, "*"], meaning: "By what way, in lower case; * is every one"}
  status:      {type: VARCHAR, required: true, values: [granted, withdrawn, unclear], meaning: "Whether it was given or taken back; unclear, where that cannot be read, counts as taken back until a consent of its time or later"}
  changed_at:  {type: TIMESTAMP, required: true, meaning: "When, in the shop's time zone"}
filled:
  - purpose: "CASE WHEN lower(purpose) IN ('all', 'any') THEN '*' ELSE lower(coalesce(purpose, 'marketing')) END"
    channel: >-
      CASE
      WHEN regexp_replace(lower(channel), '[^a-z0-9]', '', 'g') IN ('email', 'mail', 'emails', 'newsletter', 'emailaddress') THEN 'email'
      WHEN regexp_replace(lower(channel), '[^a-z0-9]', '', 'g') IN ('sms', 'text', 'texts', 'textmessage', 'mms') THEN 'sms'
      WHEN regexp_replace(lower(channel), '[^a-z0-9]', '', 'g') IN ('phone', 'telephone', 'tel', 'telefon', 'call', 'calls', 'voice') THEN 'phone'
      WHEN regexp_replace(lower(channel), '[^a-z0-9]', '', 'g') IN ('push', 'webpush', 'apppush', 'mobilepush', 'pushnotification', 'pushnotifications') THEN 'push'
      WHEN regexp_replace(lower(channel), '[^a-z0-9]', '', 'g') IN ('post', 'postal', 'postalmail', 'directmail', 'letter') THEN 'post'
      WHEN regexp_replace(lower(channel), '[^a-z0-9]', '', 'g') IN ('ads', 'ad', 'advertising') THEN 'ads'
      WHEN lower(channel) IN ('all', 'any', 'every', 'everything') THEN '*'
      ELSE lower(channel) END
    status: >-
      CASE
      WHEN regexp_replace(lower(status), '[^a-z0-9]', '', 'g') IN ('granted', 'grant', 'given', 'subscribed', 'subscribe', 'optin', 'optedin', 'doubleoptin', 'consented', 'agreed', 'accepted', 'yes', 'y', 'true', 't', '1') THEN 'granted'
      WHEN regexp_replace(lower(status), '[^a-z0-9]', '', 'g') IN ('withdrawn', 'withdraw', 'withdrew', 'revoked', 'unsubscribed', 'unsubscribe', 'optout', 'optedout', 'denied', 'declined', 'refused', 'rejected', 'cleaned', 'no', 'n', 'false', 'f', '0') THEN 'withdrawn'
      ELSE lower(status) END
derived:
  changed_on: {sql: CAST(changed_at AS DATE), type: DATE, meaning: Local day of changed_at}
in_doubt:
  of: [customer_id]
  unless: status = 'granted'
  reads: {purpose: "*", channel: "*", status: unclear}
  says: "{rows} that may be withdrawals and do not fit: they count as such, for every purpose, every channel or as of the arrival of the file where that cannot be read, until a later consent. Mend them in the shop and export them again"
rules:
  granted_for_every_purpose:
    column: purpose
    fails: purpose = '*' AND status = 'granted'
    reason: "a consent to every purpose at once; * only withdraws, name the purposes that were consented to"
  granted_for_everything:
    column: channel
    fails: channel = '*' AND status = 'granted'
    reason: "a consent to every channel at once; * only withdraws, name the channels that were consented to"
*/
