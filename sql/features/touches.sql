/*
description: "What of campaigns reached their treated members before they ordered, up to the end of a day: messages delivered, and opened or clicked by a person, in the window of the campaign before an order that stands. Of what happened to a message again before the same order, the latest. A query for any day, not a table."
grain: [order_id, campaign_id, message_id, strength]
owner: team:data
columns:
  order_id:    {type: VARCHAR, meaning: "Order of the member, placed after the touch and in the window of the campaign"}
  ordered_on:  {type: DATE, meaning: Local day of it}
  campaign_id: {type: VARCHAR, meaning: Campaign}
  message_id:  {type: VARCHAR, meaning: Message}
  strength:    {type: INTEGER, min: 1, max: 3, meaning: "3 clicked, 2 opened, 1 delivered; of a service that tells of no delivery, sent and not bounced"}
  touched_at:  {type: TIMESTAMP, meaning: "When, in the shop's time zone"}
*/
WITH windows AS (
  SELECT campaign_id, window_days
  FROM staging.campaigns
),
services AS (
  SELECT campaign_id, max(tells_of_delivery) AS tells_of_delivery
  FROM features.message_outcomes
  GROUP BY campaign_id
),
events AS (
  SELECT campaign_id, customer_id, message_id, event, happened_at, happened_on
  FROM features.message_actions
  WHERE actor = 'person'
  UNION ALL
  SELECT
    dated.campaign_id, dated.customer_id, dated.message_id, dated.event, dated.happened_at, dated.happened_on
  FROM features.dated_events AS dated
  JOIN services ON services.campaign_id = dated.campaign_id
  WHERE dated.event = 'delivered' OR dated.event = 'sent' AND services.tells_of_delivery = 0
),
-- Most messages are followed by no order, so what became of a message is looked up of the others only.
followed AS (
  SELECT
    orders.order_id,
    orders.ordered_on,
    events.campaign_id,
    events.customer_id,
    events.message_id,
    events.event,
    max(events.happened_at) AS touched_at
  FROM events
  LEFT JOIN windows ON windows.campaign_id = events.campaign_id
  JOIN features.order_values AS orders
    ON orders.customer_id = events.customer_id
    AND orders.ordered_at > events.happened_at
    AND orders.ordered_on <= events.happened_on + coalesce(windows.window_days, 5)
  GROUP BY
    orders.order_id, orders.ordered_on, events.campaign_id, events.customer_id, events.message_id, events.event
),
controls AS (
  SELECT DISTINCT campaign_id, customer_id
  FROM features.message_outcomes
  WHERE is_control = 1
)
SELECT
  followed.order_id,
  followed.ordered_on,
  followed.campaign_id,
  followed.message_id,
  CASE followed.event WHEN 'clicked' THEN 3 WHEN 'opened' THEN 2 ELSE 1 END AS strength,
  followed.touched_at
FROM followed
JOIN features.message_outcomes AS messages
  ON messages.campaign_id = followed.campaign_id
  AND messages.customer_id = followed.customer_id
  AND messages.message_id = followed.message_id
LEFT JOIN controls ON controls.campaign_id = followed.campaign_id AND controls.customer_id = followed.customer_id
WHERE controls.customer_id IS NULL
  AND (followed.event IN ('opened', 'clicked') OR messages.bounced = 0)
