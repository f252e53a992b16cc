/*
description: "What customers did by themselves in the 730 days up to the end of a day: visits to the web shop, but for those in the 24 hours after a message was sent to them, which tell when messages are sent; and opens of messages, of customers to whom these came at three or more different hours of the day. A query for any day, not a table."
grain: [customer_id, daypart, weekday]
owner: team:data
columns:
  customer_id: {type: VARCHAR, meaning: Customer}
  daypart:     {type: BIGINT, min: 0, max: 7, meaning: "Three hours of the day, in the shop's time zone: 0 from midnight on, 7 until midnight"}
  weekday:     {type: BIGINT, min: 0, max: 6, meaning: "0 Monday to 6 Sunday"}
  times:       {type: BIGINT, unit: actions, min: 1, meaning: How many there were}
*/
WITH lately AS (
  SELECT customer_id, visit, began_at, began_on
  FROM features.visits
  WHERE date_diff('day', began_on, $snapshot_date) < 730
),
sent AS (
  SELECT customer_id, sent_at, sent_at::DATE AS felt_on
  FROM features.message_outcomes
  WHERE sent = 1 AND date_diff('day', sent_at::DATE, $snapshot_date) <= 730
  UNION ALL
  SELECT customer_id, sent_at, sent_at::DATE + 1 AS felt_on
  FROM features.message_outcomes
  WHERE sent = 1 AND date_diff('day', sent_at::DATE, $snapshot_date) <= 730
),
prompted AS (
  SELECT DISTINCT lately.customer_id, lately.visit
  FROM lately
  JOIN sent ON sent.customer_id = lately.customer_id AND sent.felt_on = lately.began_on
  WHERE lately.began_at >= sent.sent_at AND lately.began_at <= sent.sent_at + INTERVAL 24 HOUR
),
-- Opens follow the sendings: they tell of a customer only where messages came at several hours of the day.
written AS (
  SELECT customer_id
  FROM features.message_outcomes
  WHERE delivered = 1
  GROUP BY customer_id
  HAVING count(DISTINCT extract(hour FROM sent_at)) >= 3
),
opens AS (
  SELECT events.customer_id, events.campaign_id, events.message_id, min(events.happened_at) AS began_at
  FROM features.message_actions AS events
  JOIN written ON written.customer_id = events.customer_id
  WHERE events.event = 'opened' AND events.actor = 'person' AND date_diff('day', events.happened_on, $snapshot_date) < 730
  GROUP BY events.customer_id, events.campaign_id, events.message_id
),
actions AS (
  SELECT lately.customer_id, lately.began_at
  FROM lately
  LEFT JOIN prompted ON prompted.customer_id = lately.customer_id AND prompted.visit = lately.visit
  WHERE prompted.visit IS NULL
  UNION ALL
  SELECT customer_id, began_at
  FROM opens
),
placed AS (
  SELECT
    customer_id,
    extract(hour FROM began_at) // 3 AS daypart,
    (date_diff('day', DATE '2024-01-01', began_at::DATE) % 7 + 7) % 7 AS weekday
  FROM actions
)
SELECT customer_id, daypart, weekday, count(*) AS times
FROM placed
GROUP BY customer_id, daypart, weekday
