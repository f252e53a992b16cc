/*
description: "Events of Klaviyo, one on each line, as its events API gives them (Get Events: attributes and relationships, beside them what was included of metric and profile), as the older metrics API did, or as CSV with the names of these joined by points. The metric says what happened: Received is delivered; Dropped, which Klaviyo says instead of sending, is assigned. The campaign is the flow, else the message, which in a campaign is the campaign's own id, else the campaign's name. Bot Click and machine_open are the marks of machines; an open or click without them has none. Any other metric is none of a message."
owner: team:data
nested: true
may_be_null: [is_machine, message_id]
raw:
  metric.name:             {required: true, aliases: [metric.attributes.name, event_name, metric_name]}
  profile.email:           {required: true, type: email, aliases: [profile.attributes.email, person.email, person.$email, email]}
  attributes.datetime:     {aliases: [datetime], meaning: "ISO 8601 with its offset"}
  attributes.timestamp:    {aliases: [timestamp], meaning: "Seconds since 1970, UTC"}
  attributes.uuid:         {aliases: [uuid, id]}
  attributes.event_properties.$flow:    {aliases: [event_properties.$flow]}
  attributes.event_properties.$message: {aliases: [event_properties.$message]}
  attributes.event_properties.Campaign Name: {aliases: [event_properties.Campaign Name]}
  attributes.event_properties.Bot Click:     {aliases: [event_properties.Bot Click]}
  attributes.event_properties.machine_open:  {aliases: [event_properties.machine_open, event_properties.Machine Open]}
one_of: [[attributes.datetime], [attributes.timestamp]]
problems:
  no_campaign:
    left_out: true
    reason: "events that name neither a campaign nor a flow"
  says_nothing:
    left_out: true
    reason: "events of metrics that say nothing of what became of a message (Placed Order, Active on Site …)"
*/
WITH events AS (
  SELECT
    row_number,
    "profile.email" AS email,
    lower(nullif(trim("metric.name"), '')) AS metric,
    coalesce(
      TRY_CAST("attributes.datetime" AS TIMESTAMPTZ),
      CASE
        WHEN TRY_CAST("attributes.timestamp" AS DOUBLE) BETWEEN 0 AND 4102444800 THEN
          to_timestamp(TRY_CAST("attributes.timestamp" AS DOUBLE))
      END
    ) AS happened_at,
    nullif(trim("attributes.uuid"), '') AS uuid,
    nullif(trim("attributes.event_properties.$flow"), '') AS flow_id,
    nullif(trim("attributes.event_properties.$message"), '') AS message_id,
    nullif(trim("attributes.event_properties.Campaign Name"), '') AS campaign_name,
    lower(nullif(trim("attributes.event_properties.Bot Click"), '')) AS bot_click,
    lower(nullif(trim("attributes.event_properties.machine_open"), '')) AS machine_open
  FROM export
),
known AS (
  SELECT
    row_number,
    coalesce(flow_id, message_id, campaign_name) AS campaign_id,
    CASE metric
      WHEN 'received email' THEN 'delivered'
      WHEN 'received sms' THEN 'delivered'
      WHEN 'received push' THEN 'delivered'
      WHEN 'dropped email' THEN 'assigned'
      WHEN 'bounced email' THEN 'bounced'
      WHEN 'bounced push' THEN 'bounced'
      WHEN 'failed to deliver sms' THEN 'bounced'
      WHEN 'opened email' THEN 'opened'
      WHEN 'opened push' THEN 'opened'
      WHEN 'clicked email' THEN 'clicked'
      WHEN 'clicked sms' THEN 'clicked'
      WHEN 'unsubscribed' THEN 'unsubscribed'
      WHEN 'unsubscribed from email marketing' THEN 'unsubscribed'
      WHEN 'unsubscribed from list' THEN 'unsubscribed'
      WHEN 'unsubscribed from sms marketing' THEN 'unsubscribed'
      WHEN 'marked email as spam' THEN 'complained'
    END AS event,
    CASE
      WHEN metric LIKE '% sms%' THEN 'sms'
      WHEN metric LIKE '% push%' THEN 'push'
      WHEN metric IS NOT NULL THEN 'email'
    END AS channel
  FROM events
)
SELECT
  events.row_number,
  events.uuid AS event_id,
  known.campaign_id,
  events.email AS customer_id,
  known.event,
  events.happened_at,
  CASE WHEN events.flow_id IS NOT NULL THEN md5(concat_ws('|', events.flow_id, events.message_id, events.email)) END
    AS message_id,
  known.channel,
  CASE known.event
    WHEN 'opened' THEN TRY_CAST(events.machine_open AS BOOLEAN)
    WHEN 'clicked' THEN TRY_CAST(events.bot_click AS BOOLEAN)
  END AS is_machine,
  CASE
    WHEN events.metric IS NOT NULL AND known.event IS NULL THEN 'says_nothing'
    WHEN known.event IS NOT NULL AND known.campaign_id IS NULL THEN 'no_campaign'
  END AS problem
FROM events
JOIN known ON known.row_number = events.row_number
