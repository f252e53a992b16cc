/*
description: "Consents as Klaviyo's export of a list or segment tells them (Lists & segments, Export to CSV, with Email Marketing Consent and its timestamp): the last change of each profile. NEVER_SUBSCRIBED is none."
owner: team:data
dialect: {timezone: UTC}
raw:
  Email:                             {required: true, type: email}
  Email Marketing Consent:           {required: true, meaning: "SUBSCRIBED, UNSUBSCRIBED or NEVER_SUBSCRIBED"}
  Email Marketing Consent Timestamp: {required: true, type: timestamp}
problems:
  never:
    left_out: true
    reason: "profiles that never consented and never withdrew"
*/
SELECT
  row_number,
  Email AS customer_id,
  'email' AS channel,
  CASE lower(trim("Email Marketing Consent"))
    WHEN 'subscribed' THEN 'granted'
    WHEN 'unsubscribed' THEN 'withdrawn'
    ELSE nullif(trim("Email Marketing Consent"), '')
  END AS status,
  "Email Marketing Consent Timestamp" AS changed_at,
  CASE
    WHEN coalesce(lower(trim("Email Marketing Consent")), '') IN ('never_subscribed', 'never subscribed', '') THEN 'never'
  END AS problem
FROM export
