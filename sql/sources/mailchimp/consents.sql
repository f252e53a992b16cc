/*
description: "Consents as Mailchimp's export of an audience tells them (Audience, Export audience: files of subscribed, unsubscribed, non-subscribed and cleaned contacts): of each contact the last change, UNSUB_TIME, else CONFIRM_TIME, else OPTIN_TIME. Of an address that no mail reaches (cleaned), the consent counts as withdrawn at CLEAN_TIME. Contacts who never subscribed say nothing of a consent. Times are taken for UTC."
owner: team:data
dialect: {timezone: UTC}
reads_name: true
raw:
  Email Address: {required: true, type: email}
  OPTIN_TIME:    {required: true, type: timestamp}
  CONFIRM_TIME:  {type: timestamp}
  UNSUB_TIME:    {type: timestamp}
  CLEAN_TIME:    {type: timestamp}
problems:
  no_consent:
    left_out: true
    reason: contacts that never subscribed
*/
SELECT
  row_number,
  "Email Address" AS customer_id,
  'email' AS channel,
  CASE WHEN is_no THEN 'withdrawn' ELSE 'granted' END AS status,
  CASE WHEN is_no THEN coalesce(greatest(UNSUB_TIME, CLEAN_TIME), UNSUB_TIME, CLEAN_TIME) ELSE coalesce(CONFIRM_TIME, OPTIN_TIME) END
    AS changed_at,
  CASE WHEN NOT is_no AND regexp_matches(lower(file_name), '^non-?subscribed') THEN 'no_consent' END AS problem
FROM (
  SELECT
    *,
    UNSUB_TIME IS NOT NULL OR CLEAN_TIME IS NOT NULL OR regexp_matches(lower(file_name), '^(unsubscribed|cleaned)') AS is_no
  FROM export
) AS export
