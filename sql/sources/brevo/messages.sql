/*
description: "Events as Brevo's marketing webhook posts them (field list: Brevo Developers, Marketing webhooks), kept as JSON, one on each line or in arrays. The campaign is camp_id. Times are those of ts_event, seconds since 1970 in UTC; date_event is in the account's time zone and is not read. proxy_open is an open by a machine, and an opened one that is not. The webhook tells of no sends."
owner: team:data
may_be_null: [is_machine]
raw:
  event:    {required: true}
  email:    {required: true, type: email}
  camp_id:  {required: true}
  ts_event: {required: true, meaning: "Seconds since 1970, UTC"}
problems:
  no_campaign:
    left_out: true
    reason: "events of messages outside of any campaign (no camp_id)"
  says_nothing:
    left_out: true
    reason: "events that say nothing of what became of a message (contact_updated, contact_deleted, list_addition, deferred …)"
  unknown_event:
    limited: false
    reason: "an event of a kind that is not known here; see the list in docs/exports.md"
*/
WITH events AS (
  SELECT
    row_number,
    email,
    replace(lower(nullif(trim(event), '')), ' ', '_') AS kind,
    nullif(trim(TRY_CAST(camp_id AS VARCHAR)), '') AS campaign_id,
    CASE
      WHEN TRY_CAST(ts_event AS DOUBLE) BETWEEN 0 AND 4102444800 THEN to_timestamp(TRY_CAST(ts_event AS DOUBLE))
    END AS happened_at
  FROM export
),
known AS (
  SELECT
    row_number,
    kind,
    CASE kind
      WHEN 'delivered' THEN 'delivered'
      WHEN 'hard_bounce' THEN 'bounced'
      WHEN 'soft_bounce' THEN 'bounced'
      WHEN 'opened' THEN 'opened'
      WHEN 'proxy_open' THEN 'opened'
      WHEN 'click' THEN 'clicked'
      WHEN 'unsubscribe' THEN 'unsubscribed'
      WHEN 'unsubscribed' THEN 'unsubscribed'
      WHEN 'spam' THEN 'complained'
    END AS event
  FROM events
)
SELECT
  events.row_number,
  events.campaign_id,
  events.email AS customer_id,
  known.event,
  events.happened_at,
  'email' AS channel,
  CASE known.kind WHEN 'proxy_open' THEN TRUE WHEN 'opened' THEN FALSE END AS is_machine,
  CASE
    WHEN known.kind IN (
      'contact_updated', 'contact_deleted', 'list_addition', 'unique_coupon_sent', 'deferred', 'request', 'blocked',
      'error', 'invalid_email', 'unique_opened', 'unique_proxy_open'
    ) THEN 'says_nothing'
    WHEN known.kind IS NOT NULL AND known.event IS NULL THEN 'unknown_event'
    WHEN known.event IS NOT NULL AND events.campaign_id IS NULL THEN 'no_campaign'
  END AS problem
FROM events
JOIN known ON known.row_number = events.row_number
