/*
description: "Opens and clicks as Mailchimp's export of an account has them, folder granular_activity: a file for each campaign in opens/ and in clicks/, called by the number of the campaign and its title (1234567_spring-sale.csv), with Timestamp and Email, of clicks with Url. Also the activity of a campaign as its API tells it, flattened: campaign_id, email_address, action, timestamp. What happened, the column action says, else the folder or the name of the file, else that there is a column Url. Mailchimp does not say whose opens are a machine's. Times are taken for UTC."
owner: team:data
dialect: {timezone: UTC}
reads_name: true
foreign: [Total, Amount, Price, Quantity, Order, Order ID, order_id, Invoice, Status, Event, Event Name, Metric, Metric Name, Campaign Name, Profile ID, Klaviyo ID, Person ID]
raw:
  Email:       {required: true, type: email, aliases: [email_address, Email Address]}
  Timestamp:   {required: true, type: timestamp}
  Url:         {kept: false, meaning: "Only that it is there: then the row is a click"}
  action:      {}
  campaign_id: {}
problems:
  says_nothing:
    left_out: true
    reason: "activity that says nothing of what became of a message (signup, update, note …)"
  which_event:
    reason: "nothing tells what happened: let the file lie in a folder called opens or clicks, as in Mailchimp's export"
*/
WITH places AS (
  SELECT
    row_number,
    regexp_replace(lower(file_name), '(\.(csv|txt|tsv|json|jsonl|ndjson|parquet|xlsx|gz|zst))+$', '') AS stem,
    lower(folder_name) AS folder
  FROM export
),
words AS (
  SELECT
    row_number,
    folder,
    nullif(regexp_extract(stem, '^([0-9]+)_', 1), '') AS number,
    coalesce(
      nullif(regexp_extract(stem, '^([0-9]+_)?(opens|clicks|bounces|unsubscribes|sent)$', 2), ''),
      nullif(regexp_extract(stem, '^(opens|clicks|bounces|unsubscribes|sent)[^a-z]', 1), ''),
      CASE
        WHEN NOT regexp_matches(stem, '^[0-9]+_') THEN
          nullif(regexp_extract(stem, '[^a-z](opens|clicks|bounces|unsubscribes|sent)$', 1), '')
      END
    ) AS word,
    nullif(
      trim(regexp_replace(stem, '^(opens|clicks|bounces|unsubscribes|sent)([^a-z]|$)|[^a-z](opens|clicks|bounces|unsubscribes|sent)$', ''), ' _-'),
      ''
    ) AS rest
  FROM places
),
known AS (
  SELECT
    export.row_number,
    coalesce(
      nullif(trim(TRY_CAST(export.campaign_id AS VARCHAR)), ''),
      words.number,
      words.rest,
      nullif(words.folder, '')
    ) AS campaign_id,
    coalesce(
      lower(nullif(trim(export.action), '')),
      CASE words.folder
        WHEN 'opens' THEN 'open'
        WHEN 'clicks' THEN 'click'
        WHEN 'bounces' THEN 'bounce'
        WHEN 'unsubscribes' THEN 'unsub'
        WHEN 'sent' THEN 'sent'
      END,
      CASE words.word
        WHEN 'opens' THEN 'open'
        WHEN 'clicks' THEN 'click'
        WHEN 'bounces' THEN 'bounce'
        WHEN 'unsubscribes' THEN 'unsub'
        WHEN 'sent' THEN 'sent'
      END,
      CASE WHEN nullif(trim(export.Url), '') IS NOT NULL THEN 'click' END
    ) AS action
  FROM export
  JOIN words ON words.row_number = export.row_number
)
SELECT
  export.row_number,
  known.campaign_id,
  export.Email AS customer_id,
  CASE known.action
    WHEN 'open' THEN 'opened'
    WHEN 'click' THEN 'clicked'
    WHEN 'bounce' THEN 'bounced'
    WHEN 'sent' THEN 'sent'
    WHEN 'unsub' THEN 'unsubscribed'
    WHEN 'unsubscribe' THEN 'unsubscribed'
    WHEN 'abuse' THEN 'complained'
  END AS event,
  export.Timestamp AS happened_at,
  'email' AS channel,
  CASE
    WHEN known.action IS NULL THEN 'which_event'
    WHEN known.action NOT IN ('open', 'click', 'bounce', 'sent', 'unsub', 'unsubscribe', 'abuse') THEN 'says_nothing'
  END AS problem
FROM export
JOIN known ON known.row_number = export.row_number
