/*
description: "When customers did things by themselves in the 730 days up to the end of a day: visits to the web shop, but for those in the 24 hours after a message was sent to them, which tell when messages are sent; and opens of messages, of customers to whom these came at three or more different hours of the day. Counted by daypart and by weekday. A query for any day, not a table."
grain: [dimension, customer_id]
owner: team:data
keep: true
columns:
  dimension:   {type: VARCHAR, values: [daypart, weekday], meaning: By what they are counted}
  segment:     {type: VARCHAR, meaning: "Segment of the customer (grid); (none) before the first purchase"}
  customer_id: {type: VARCHAR, meaning: Customer}
  n:           {type: BIGINT, unit: actions, min: 1, meaning: How many there were}
  part_0:      {type: BIGINT, unit: actions, min: 0, meaning: "Of these, from midnight to 3 o'clock in the shop's time zone; on Mondays"}
  part_1:      {type: BIGINT, unit: actions, min: 0, meaning: "From 3 to 6 o'clock; on Tuesdays"}
  part_2:      {type: BIGINT, unit: actions, min: 0, meaning: "From 6 to 9 o'clock; on Wednesdays"}
  part_3:      {type: BIGINT, unit: actions, min: 0, meaning: "From 9 to 12 o'clock; on Thursdays"}
  part_4:      {type: BIGINT, unit: actions, min: 0, meaning: "From 12 to 15 o'clock; on Fridays"}
  part_5:      {type: BIGINT, unit: actions, min: 0, meaning: "From 15 to 18 o'clock; on Saturdays"}
  part_6:      {type: BIGINT, unit: actions, min: 0, meaning: "From 18 to 21 o'clock; on Sundays"}
  part_7:      {type: BIGINT, unit: actions, min: 0, meaning: "From 21 o'clock to midnight; 0 of weekdays"}
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
),
-- A row per customer, and a column per part: whoever compares parts has them together, and groups nothing.
counted AS (
  SELECT
    customer_id,
    count(*) AS n,
    count(*) FILTER (WHERE daypart = 0) AS daypart_0,
    count(*) FILTER (WHERE daypart = 1) AS daypart_1,
    count(*) FILTER (WHERE daypart = 2) AS daypart_2,
    count(*) FILTER (WHERE daypart = 3) AS daypart_3,
    count(*) FILTER (WHERE daypart = 4) AS daypart_4,
    count(*) FILTER (WHERE daypart = 5) AS daypart_5,
    count(*) FILTER (WHERE daypart = 6) AS daypart_6,
    count(*) FILTER (WHERE daypart = 7) AS daypart_7,
    count(*) FILTER (WHERE weekday = 0) AS weekday_0,
    count(*) FILTER (WHERE weekday = 1) AS weekday_1,
    count(*) FILTER (WHERE weekday = 2) AS weekday_2,
    count(*) FILTER (WHERE weekday = 3) AS weekday_3,
    count(*) FILTER (WHERE weekday = 4) AS weekday_4,
    count(*) FILTER (WHERE weekday = 5) AS weekday_5,
    count(*) FILTER (WHERE weekday = 6) AS weekday_6
  FROM placed
  GROUP BY customer_id
),
in_segments AS (
  SELECT
    coalesce(segments.segment, '(none)') AS segment,
    counted.customer_id,
    counted.n,
    counted.daypart_0,
    counted.daypart_1,
    counted.daypart_2,
    counted.daypart_3,
    counted.daypart_4,
    counted.daypart_5,
    counted.daypart_6,
    counted.daypart_7,
    counted.weekday_0,
    counted.weekday_1,
    counted.weekday_2,
    counted.weekday_3,
    counted.weekday_4,
    counted.weekday_5,
    counted.weekday_6
  FROM counted
  LEFT JOIN marts.rfm_segments AS segments
    ON segments.customer_id = counted.customer_id
    AND segments.catalogue = 'grid'
    AND segments.snapshot_date = $snapshot_date
)
SELECT
  'daypart' AS dimension,
  segment,
  customer_id,
  n,
  daypart_0 AS part_0,
  daypart_1 AS part_1,
  daypart_2 AS part_2,
  daypart_3 AS part_3,
  daypart_4 AS part_4,
  daypart_5 AS part_5,
  daypart_6 AS part_6,
  daypart_7 AS part_7
FROM in_segments
UNION ALL
SELECT
  'weekday' AS dimension,
  segment,
  customer_id,
  n,
  weekday_0 AS part_0,
  weekday_1 AS part_1,
  weekday_2 AS part_2,
  weekday_3 AS part_3,
  weekday_4 AS part_4,
  weekday_5 AS part_5,
  weekday_6 AS part_6,
  0 AS part_7
FROM in_segments
