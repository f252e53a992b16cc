/*
description: "Events of messages up to the end of a day, each with its time. A query for any day, not a table."
grain: [event_id]
owner: team:data
columns:
  event_id:    {type: VARCHAR, meaning: Event}
  campaign_id: {type: VARCHAR, meaning: Campaign the message belongs to}
  customer_id: {type: VARCHAR, meaning: Customer it was for}
  message_id:  {type: VARCHAR, meaning: Message}
  channel:     {type: VARCHAR, nullable: true, meaning: "email, sms, push …: what the event says, else its campaign"}
  event:       {type: VARCHAR, values: [assigned, sent, delivered, bounced, opened, clicked, unsubscribed, complained], meaning: What happened}
  happened_at: {type: TIMESTAMP, meaning: "When, in the shop's time zone; of who was assigned without a time, when the campaign was sent"}
  happened_on: {type: DATE, meaning: Local day of it}
  group_name:  {type: VARCHAR, values: [treated, control], meaning: The group that the event says}
  is_machine:  {type: BOOLEAN, nullable: true, meaning: As in staging.messages}
*/
SELECT
  messages.event_id,
  messages.campaign_id,
  messages.customer_id,
  messages.message_id,
  coalesce(messages.channel, campaigns.channel) AS channel,
  messages.event,
  coalesce(messages.happened_at, campaigns.sent_at) AS happened_at,
  coalesce(messages.happened_on, campaigns.sent_on) AS happened_on,
  messages.group_name,
  messages.is_machine
FROM features.customer_messages AS messages
LEFT JOIN staging.campaigns AS campaigns ON campaigns.campaign_id = messages.campaign_id
WHERE coalesce(messages.happened_on, campaigns.sent_on) <= $snapshot_date
