/*
description: "Events as SendGrid's event webhook posts them (field list: Twilio Docs, Event Webhook Reference), kept as JSON: a batch, which is an array, on each line, or one event on each, or one array. The campaign is the custom argument campaign_id, else the Single Send, the automation or the campaign, else the first category; an event that names none is of a message outside of campaigns. processed is sent; dropped, which SendGrid says instead of sending, is assigned: the customer was to get it. A click has no mark of a machine here, an open has. Times are seconds since 1970 in UTC."
owner: team:data
foreign: [camp_id, event_name]
raw:
  email:           {required: true, type: email}
  timestamp:       {required: true, meaning: "Seconds since 1970, UTC"}
  event:           {required: true}
  sg_event_id:     {required: true}
  sg_message_id:   {}
  campaign_id:     {meaning: A custom argument}
  singlesend_id:   {}
  mc_auto_id:      {}
  marketing_campaign_id: {}
  category:        {meaning: A text or a list of texts}
  sg_machine_open: {}
problems:
  no_campaign:
    left_out: true
    reason: "events of messages outside of any campaign (no custom argument campaign_id, no Single Send, no category)"
  says_nothing:
    left_out: true
    reason: "events that say nothing of what became of a message (deferred, group_resubscribe, account_status_change …)"
  unknown_event:
    limited: false
    reason: "an event of a kind that is not known here; see the list in docs/exports.md"
*/
WITH events AS (
  SELECT
    row_number,
    email,
    lower(nullif(trim(event), '')) AS kind,
    CASE
      WHEN TRY_CAST(timestamp AS DOUBLE) BETWEEN 0 AND 4102444800 THEN to_timestamp(TRY_CAST(timestamp AS DOUBLE))
    END AS happened_at,
    nullif(trim(sg_event_id), '') AS sg_event_id,
    nullif(trim(sg_message_id), '') AS sg_message_id,
    lower(nullif(trim(sg_machine_open), '')) AS sg_machine_open,
    coalesce(
      nullif(trim(campaign_id), ''), nullif(trim(singlesend_id), ''), nullif(trim(mc_auto_id), ''),
      nullif(trim(marketing_campaign_id), ''),
      CASE
        WHEN CASE WHEN left(ltrim(category), 1) = '[' THEN json_valid(category) ELSE FALSE END THEN
          nullif(trim(json_extract_string(category, '$[0]')), '')
        ELSE nullif(trim(category), '')
      END
    ) AS campaign_id
  FROM export
),
known AS (
  SELECT
    row_number,
    kind,
    CASE kind
      WHEN 'processed' THEN 'sent'
      WHEN 'dropped' THEN 'assigned'
      WHEN 'delivered' THEN 'delivered'
      WHEN 'bounce' THEN 'bounced'
      WHEN 'blocked' THEN 'bounced'
      WHEN 'open' THEN 'opened'
      WHEN 'click' THEN 'clicked'
      WHEN 'unsubscribe' THEN 'unsubscribed'
      WHEN 'group_unsubscribe' THEN 'unsubscribed'
      WHEN 'spamreport' THEN 'complained'
    END AS event
  FROM events
)
SELECT
  events.row_number,
  md5(events.sg_event_id) AS event_id,
  events.campaign_id,
  events.email AS customer_id,
  known.event,
  events.happened_at,
  events.sg_message_id AS message_id,
  'email' AS channel,
  TRY_CAST(events.sg_machine_open AS BOOLEAN) AS is_machine,
  CASE
    WHEN known.kind IN ('deferred', 'group_resubscribe', 'account_status_change', 'cancel_drop', 'received') THEN
      'says_nothing'
    WHEN known.kind IS NOT NULL AND known.event IS NULL THEN 'unknown_event'
    WHEN known.event IS NOT NULL AND events.campaign_id IS NULL THEN 'no_campaign'
  END AS problem
FROM events
JOIN known ON known.row_number = events.row_number
