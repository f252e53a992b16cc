/*
description: "What reached the treated members of campaigns, up to the end of a day: messages delivered, and opened or clicked by a person. A query for any day, not a table."
grain: [event_id]
owner: team:data
columns:
  event_id:    {type: VARCHAR, meaning: "Event that is the touch"}
  campaign_id: {type: VARCHAR, meaning: Campaign}
  customer_id: {type: VARCHAR, meaning: Treated member of it}
  message_id:  {type: VARCHAR, meaning: Message}
  touched_at:  {type: TIMESTAMP, meaning: "When, in the shop's time zone"}
  touched_on:  {type: DATE, meaning: Local day of it}
  strength:    {type: INTEGER, min: 1, max: 3, meaning: "3 clicked, 2 opened, 1 delivered; of a service that tells of no delivery, sent and not bounced"}
*/
WITH controls AS (
  SELECT DISTINCT campaign_id, customer_id
  FROM features.message_events
  WHERE group_name = 'control'
),
services AS (
  SELECT campaign_id, max(CASE WHEN event = 'delivered' THEN 1 ELSE 0 END) AS tells_of_delivery
  FROM features.message_events
  GROUP BY campaign_id
),
bounced AS (
  SELECT DISTINCT campaign_id, customer_id, message_id
  FROM features.message_events
  WHERE event = 'bounced'
)
SELECT
  events.event_id,
  events.campaign_id,
  events.customer_id,
  events.message_id,
  events.happened_at AS touched_at,
  events.happened_on AS touched_on,
  CASE events.event WHEN 'clicked' THEN 3 WHEN 'opened' THEN 2 ELSE 1 END AS strength
FROM features.message_events AS events
JOIN services ON services.campaign_id = events.campaign_id
LEFT JOIN controls ON controls.campaign_id = events.campaign_id AND controls.customer_id = events.customer_id
LEFT JOIN bounced
  ON bounced.campaign_id = events.campaign_id
  AND bounced.customer_id = events.customer_id
  AND bounced.message_id = events.message_id
WHERE controls.customer_id IS NULL
  AND (
    events.actor = 'person'
    OR bounced.message_id IS NULL AND events.event = 'delivered'
    OR bounced.message_id IS NULL AND events.event = 'sent' AND services.tells_of_delivery = 0
  )
