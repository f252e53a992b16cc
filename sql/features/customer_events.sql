/*
description: "What visitors of the web shop did, each with the customer that orders know: who is known by an e-mail address alone is the customer with that address, if there is exactly one (ingest.aliases). A query for any day, not a table."
grain: [event_id]
owner: team:data
columns:
  event_id:    {type: VARCHAR, meaning: Event}
  visit_id:    {type: VARCHAR, meaning: Visit}
  customer_id: {type: VARCHAR, nullable: true, meaning: Customer of the shop; null for a guest}
  happened_at: {type: TIMESTAMP, meaning: "When it happened, in the shop's time zone"}
  happened_on: {type: DATE, meaning: Local day of it}
  event:       {type: VARCHAR, meaning: As in staging.web_events}
  product_id:  {type: VARCHAR, nullable: true, meaning: As in staging.web_events}
  source:      {type: VARCHAR, nullable: true, meaning: As in staging.web_events}
  medium:      {type: VARCHAR, nullable: true, meaning: As in staging.web_events}
  campaign_id: {type: VARCHAR, nullable: true, meaning: As in staging.web_events}
*/
SELECT
  events.event_id,
  events.visit_id,
  coalesce(aliases.customer_id, events.customer_id) AS customer_id,
  events.happened_at,
  events.happened_on,
  events.event,
  events.product_id,
  events.source,
  events.medium,
  events.campaign_id
FROM staging.web_events AS events
LEFT JOIN ingest.aliases AS aliases ON aliases.alias_id = events.customer_id AND aliases.customers = 1
