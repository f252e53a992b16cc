/*
description: "Opens and clicks of messages up to the end of a day, with whose they were. A machine's are those that the service marks so; where it says nothing, clicks at most 10 seconds after delivery and three or more clicks of one message within 5 seconds. Opens without a mark are nobody's (unmarked) in campaigns where more than 5 % of the opens have none, else a person's. A query for any day, not a table."
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
  actor:       {type: VARCHAR, values: [person, machine, unmarked], meaning: Whose open or click it is}
*/
WITH silent AS (
  SELECT campaign_id
  FROM features.opens_and_clicks
  WHERE event = 'opened'
  GROUP BY campaign_id
  HAVING 20 * count(*) FILTER (WHERE is_machine IS NULL) > count(*)
),
clicked AS (
  SELECT DISTINCT campaign_id, customer_id, message_id
  FROM features.opens_and_clicks
  WHERE event = 'clicked'
),
delivered AS (
  SELECT
    dated.campaign_id,
    dated.customer_id,
    dated.message_id,
    coalesce(min(CASE WHEN dated.event = 'delivered' THEN dated.happened_at END), min(dated.happened_at)) AS delivered_at
  FROM features.dated_events AS dated
  JOIN clicked
    ON clicked.campaign_id = dated.campaign_id
    AND clicked.customer_id = dated.customer_id
    AND clicked.message_id = dated.message_id
  WHERE dated.event IN ('sent', 'delivered')
  GROUP BY dated.campaign_id, dated.customer_id, dated.message_id
),
clicks AS (
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
    is_machine,
    lag(happened_at, 2) OVER (PARTITION BY campaign_id, customer_id, message_id ORDER BY happened_at, event_id) AS before_last_at,
    lag(happened_at) OVER (PARTITION BY campaign_id, customer_id, message_id ORDER BY happened_at, event_id) AS last_at,
    lead(happened_at) OVER (PARTITION BY campaign_id, customer_id, message_id ORDER BY happened_at, event_id) AS next_at,
    lead(happened_at, 2) OVER (PARTITION BY campaign_id, customer_id, message_id ORDER BY happened_at, event_id) AS after_next_at
  FROM features.opens_and_clicks
  WHERE event = 'clicked'
)
SELECT
  opens.event_id,
  opens.campaign_id,
  opens.customer_id,
  opens.message_id,
  opens.channel,
  opens.event,
  opens.happened_at,
  opens.happened_on,
  opens.group_name,
  CASE
    WHEN opens.is_machine THEN 'machine'
    WHEN opens.is_machine IS NULL AND silent.campaign_id IS NOT NULL THEN 'unmarked'
    ELSE 'person'
  END AS actor
FROM features.opens_and_clicks AS opens
LEFT JOIN silent ON silent.campaign_id = opens.campaign_id
WHERE opens.event = 'opened'
UNION ALL
SELECT
  clicks.event_id,
  clicks.campaign_id,
  clicks.customer_id,
  clicks.message_id,
  clicks.channel,
  clicks.event,
  clicks.happened_at,
  clicks.happened_on,
  clicks.group_name,
  CASE
    WHEN clicks.is_machine IS NOT NULL THEN CASE WHEN clicks.is_machine = TRUE THEN 'machine' ELSE 'person' END
    WHEN clicks.happened_at >= delivered.delivered_at
      AND clicks.happened_at <= delivered.delivered_at + INTERVAL 10 SECOND THEN 'machine'
    WHEN clicks.before_last_at + INTERVAL 5 SECOND >= clicks.happened_at THEN 'machine'
    WHEN clicks.last_at + INTERVAL 5 SECOND >= clicks.next_at THEN 'machine'
    WHEN clicks.happened_at + INTERVAL 5 SECOND >= clicks.after_next_at THEN 'machine'
    ELSE 'person'
  END AS actor
FROM clicks
LEFT JOIN delivered
  ON delivered.campaign_id = clicks.campaign_id
  AND delivered.customer_id = clicks.customer_id
  AND delivered.message_id = clicks.message_id
