/*
description: "Opens and clicks of messages up to the end of a day, whosever they were. A query for any day, not a table."
grain: [event_id]
owner: team:data
keep: true
columns:
  event_id:    {type: VARCHAR, meaning: Event}
  campaign_id: {type: VARCHAR, meaning: Campaign the message belongs to}
  customer_id: {type: VARCHAR, meaning: Customer it was for}
  message_id:  {type: VARCHAR, meaning: Message}
  channel:     {type: VARCHAR, nullable: true, meaning: "email, sms, push …: what the event says, else its campaign"}
  event:       {type: VARCHAR, values: [opened, clicked], meaning: What happened}
  happened_at: {type: TIMESTAMP, meaning: "When, in the shop's time zone"}
  happened_on: {type: DATE, meaning: Local day of it}
  group_name:  {type: VARCHAR, values: [treated, control], meaning: The group that the event says}
  is_machine:  {type: BOOLEAN, nullable: true, meaning: As in staging.messages}
*/
SELECT
  event_id,
  campaign_id,
  customer_id,
  message_id,
  channel,
  event,
  happened_at,
  happened_on,
  group_name,
  is_machine
FROM features.dated_events
WHERE event IN ('opened', 'clicked')
