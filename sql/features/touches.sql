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
  FROM features.message_outcomes
  WHERE is_control = 1
)
SELECT
  actions.event_id,
  actions.campaign_id,
  actions.customer_id,
  actions.message_id,
  actions.happened_at AS touched_at,
  actions.happened_on AS touched_on,
  CASE actions.event WHEN 'clicked' THEN 3 ELSE 2 END AS strength
FROM features.message_actions AS actions
LEFT JOIN controls ON controls.campaign_id = actions.campaign_id AND controls.customer_id = actions.customer_id
WHERE controls.customer_id IS NULL AND actions.actor = 'person'
UNION ALL
SELECT
  events.event_id,
  events.campaign_id,
  events.customer_id,
  events.message_id,
  events.happened_at AS touched_at,
  events.happened_on AS touched_on,
  1 AS strength
FROM features.dated_events AS events
JOIN features.message_outcomes AS messages
  ON messages.campaign_id = events.campaign_id
  AND messages.customer_id = events.customer_id
  AND messages.message_id = events.message_id
LEFT JOIN controls ON controls.campaign_id = events.campaign_id AND controls.customer_id = events.customer_id
WHERE controls.customer_id IS NULL
  AND messages.bounced = 0
  AND (events.event = 'delivered' OR events.event = 'sent' AND messages.tells_of_delivery = 0)
