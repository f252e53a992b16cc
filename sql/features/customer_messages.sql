/*
description: "The events of messages, each with the customer that orders know: who is known to the service by an e-mail address alone is the customer with that address, if there is exactly one (ingest.aliases). A query for any day, not a table."
grain: [event_id]
owner: team:data
columns:
  event_id:    {type: VARCHAR, meaning: Event}
  campaign_id: {type: VARCHAR, meaning: Campaign the message belongs to}
  customer_id: {type: VARCHAR, meaning: Customer it was for}
  event:       {type: VARCHAR, meaning: As in staging.messages}
  happened_at: {type: TIMESTAMP, nullable: true, meaning: "When it happened, in the shop's time zone"}
  happened_on: {type: DATE, nullable: true, meaning: Local day of it}
  message_id:  {type: VARCHAR, meaning: Message}
  group_name:  {type: VARCHAR, meaning: As in staging.messages}
  channel:     {type: VARCHAR, nullable: true, meaning: As in staging.messages}
  is_machine:  {type: BOOLEAN, nullable: true, meaning: As in staging.messages}
*/
SELECT
  messages.event_id,
  messages.campaign_id,
  coalesce(aliases.customer_id, messages.customer_id) AS customer_id,
  messages.event,
  messages.happened_at,
  messages.happened_on,
  messages.message_id,
  messages.group_name,
  messages.channel,
  messages.is_machine
FROM staging.messages AS messages
LEFT JOIN ingest.aliases AS aliases ON aliases.alias_id = messages.customer_id AND aliases.customers = 1
