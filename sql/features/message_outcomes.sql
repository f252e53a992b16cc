/*
description: "What became of each message of a campaign up to the end of a day; of members to whom none was sent, that they were assigned. A query for any day, not a table."
grain: [campaign_id, customer_id, message_id]
owner: team:data
keep: true
columns:
  campaign_id:        {type: VARCHAR, meaning: Campaign}
  customer_id:        {type: VARCHAR, meaning: Member of it}
  message_id:         {type: VARCHAR, meaning: Message}
  channel:            {type: VARCHAR, nullable: true, meaning: "email, sms, push …: what is said of the message, else of its campaign"}
  is_control:         {type: INTEGER, min: 0, max: 1, meaning: "1 if an event names the control group"}
  first_at:           {type: TIMESTAMP, meaning: "When it was first told of, in the shop's time zone"}
  assigned_at:        {type: TIMESTAMP, nullable: true, meaning: When the member was assigned}
  sent_at:            {type: TIMESTAMP, nullable: true, meaning: "When it was sent, else delivered, else first told of; null if none was"}
  began_at:           {type: TIMESTAMP, nullable: true, meaning: "The earliest that was told of it; null if none was sent"}
  went_out_at:        {type: TIMESTAMP, nullable: true, meaning: When it was sent or delivered}
  acted_at:           {type: TIMESTAMP, nullable: true, meaning: "When it was first opened or clicked, by whomever"}
  sent:               {type: INTEGER, min: 0, max: 1, meaning: "1 if there was a message, bounced or not"}
  bounced:            {type: INTEGER, min: 0, max: 1, meaning: 1 if it is told to have bounced}
  delivered:          {type: INTEGER, min: 0, max: 1, meaning: "1 if it was delivered: told, or not told to have bounced by a service that tells of no delivery; or a person did something with it"}
  opened:             {type: INTEGER, min: 0, max: 1, meaning: "1 if a person opened or clicked it"}
  clicked:            {type: INTEGER, min: 0, max: 1, meaning: 1 if a person clicked it}
  machine_opened:     {type: INTEGER, min: 0, max: 1, meaning: 1 if a machine opened it}
  machine_clicked:    {type: INTEGER, min: 0, max: 1, meaning: 1 if a machine clicked it}
  unmarked_opened:    {type: INTEGER, min: 0, max: 1, meaning: 1 if nobody knows who opened it}
  unsubscribed:       {type: INTEGER, min: 0, max: 1, meaning: 1 if the member unsubscribed or complained after it}
  campaign_is_sent:   {type: INTEGER, min: 0, max: 1, meaning: "1 if any message of the campaign was sent"}
  tells_of_delivery:  {type: INTEGER, min: 0, max: 1, meaning: "1 if the service tells of deliveries of the campaign"}
  open_is_known:      {type: INTEGER, min: 0, max: 1, meaning: "0 if nobody knows who opened the campaign's messages"}
*/
WITH events AS (
  SELECT campaign_id, customer_id, message_id, channel, event, happened_at, group_name, CAST(NULL AS VARCHAR) AS actor
  FROM features.dated_events
  WHERE event NOT IN ('opened', 'clicked')
  UNION ALL
  SELECT campaign_id, customer_id, message_id, channel, event, happened_at, group_name, actor
  FROM features.message_actions
),
times AS (
  SELECT
    campaign_id,
    customer_id,
    message_id,
    max(channel) AS channel,
    max(CASE WHEN group_name = 'control' THEN 1 ELSE 0 END) AS is_control,
    min(CASE WHEN event = 'assigned' THEN happened_at END) AS assigned_at,
    min(CASE WHEN event = 'sent' THEN happened_at END) AS sent_at,
    min(CASE WHEN event = 'delivered' THEN happened_at END) AS delivered_at,
    min(CASE WHEN event IN ('opened', 'clicked') THEN happened_at END) AS acted_at,
    min(CASE WHEN event IN ('bounced', 'unsubscribed', 'complained') THEN happened_at END) AS refused_at,
    max(CASE WHEN event = 'bounced' THEN 1 ELSE 0 END) AS bounced,
    max(CASE WHEN event = 'opened' AND actor = 'person' THEN 1 ELSE 0 END) AS opened,
    max(CASE WHEN event = 'clicked' AND actor = 'person' THEN 1 ELSE 0 END) AS clicked,
    max(CASE WHEN event = 'opened' AND actor = 'machine' THEN 1 ELSE 0 END) AS machine_opened,
    max(CASE WHEN event = 'clicked' AND actor = 'machine' THEN 1 ELSE 0 END) AS machine_clicked,
    max(CASE WHEN event = 'opened' AND actor = 'unmarked' THEN 1 ELSE 0 END) AS unmarked_opened,
    max(CASE WHEN event IN ('unsubscribed', 'complained') THEN 1 ELSE 0 END) AS unsubscribed
  FROM events
  GROUP BY campaign_id, customer_id, message_id
),
messages AS (
  SELECT
    campaign_id,
    customer_id,
    message_id,
    channel,
    is_control,
    assigned_at,
    coalesce(sent_at, delivered_at, least(acted_at, refused_at)) AS sent_at,
    least(sent_at, delivered_at, acted_at, refused_at) AS began_at,
    least(sent_at, delivered_at) AS went_out_at,
    acted_at,
    CASE WHEN delivered_at IS NOT NULL THEN 1 ELSE 0 END AS delivered,
    bounced,
    opened,
    clicked,
    machine_opened,
    machine_clicked,
    unmarked_opened,
    unsubscribed
  FROM times
),
services AS (
  SELECT
    campaign_id,
    max(CASE WHEN began_at IS NOT NULL THEN 1 ELSE 0 END) AS campaign_is_sent,
    max(delivered) AS tells_of_delivery,
    1 - max(unmarked_opened) AS open_is_known
  FROM messages
  GROUP BY campaign_id
)
SELECT
  messages.campaign_id,
  messages.customer_id,
  messages.message_id,
  messages.channel,
  messages.is_control,
  least(messages.assigned_at, messages.began_at) AS first_at,
  messages.assigned_at,
  messages.sent_at,
  messages.began_at,
  messages.went_out_at,
  messages.acted_at,
  CASE WHEN messages.began_at IS NOT NULL THEN 1 ELSE 0 END AS sent,
  messages.bounced,
  CASE
    WHEN messages.opened + messages.clicked > 0 THEN 1
    WHEN messages.bounced > 0 THEN 0
    WHEN services.tells_of_delivery = 1 THEN messages.delivered
    WHEN messages.began_at IS NOT NULL THEN 1
    ELSE 0
  END AS delivered,
  greatest(messages.opened, messages.clicked) AS opened,
  messages.clicked,
  messages.machine_opened,
  messages.machine_clicked,
  messages.unmarked_opened,
  messages.unsubscribed,
  services.campaign_is_sent,
  services.tells_of_delivery,
  services.open_is_known
FROM messages
JOIN services ON services.campaign_id = messages.campaign_id
