/*
description: "Who was assigned to a campaign up to the end of a day, to which group, and how far its messages came. A query for any day, not a table."
grain: [campaign_id, customer_id]
owner: team:data
keep: true
columns:
  campaign_id:        {type: VARCHAR, meaning: Campaign}
  customer_id:        {type: VARCHAR, meaning: Member of it}
  group_name:         {type: VARCHAR, values: [treated, control], meaning: "control: some event says so, and nothing but who was assigned should be told of them"}
  started_at:         {type: TIMESTAMP, meaning: "From when on orders are looked at: when a mailing was sent; of a rule or a workflow, when the member was assigned, else first told of"}
  window_days:        {type: INTEGER, unit: days, min: 1, meaning: "Days after that in which orders are looked at; 5 for campaigns that nobody told of"}
  messages:           {type: BIGINT, unit: messages, min: 0, meaning: "Messages sent, bounced ones included. Of control members, what should not have been"}
  delivered:          {type: BIGINT, unit: messages, min: 0, meaning: "Of these, delivered: told, or not told to have bounced by a service that tells of no delivery; or a person did something with it"}
  opened:             {type: BIGINT, unit: messages, min: 0, meaning: "Opened by a person, or clicked"}
  clicked:            {type: BIGINT, unit: messages, min: 0, meaning: Clicked by a person}
  machine_opened:     {type: BIGINT, unit: messages, min: 0, meaning: Opened by a machine}
  machine_clicked:    {type: BIGINT, unit: messages, min: 0, meaning: Clicked by a machine}
  unmarked_opened:    {type: BIGINT, unit: messages, min: 0, meaning: Opened by nobody knows whom}
  unsubscribed:       {type: BIGINT, unit: messages, min: 0, meaning: "After which the member unsubscribed or complained"}
  tells_of_delivery:  {type: INTEGER, min: 0, max: 1, meaning: "1 if the service tells of deliveries of the campaign"}
  open_is_known:      {type: INTEGER, min: 0, max: 1, meaning: "0 if nobody knows who opened the campaign's messages"}
*/
WITH messages AS (
  SELECT
    campaign_id,
    customer_id,
    message_id,
    max(CASE WHEN group_name = 'control' THEN 1 ELSE 0 END) AS is_control,
    min(happened_at) AS first_at,
    min(CASE WHEN event = 'assigned' THEN happened_at END) AS assigned_at,
    max(CASE WHEN event <> 'assigned' THEN 1 ELSE 0 END) AS sent,
    max(CASE WHEN event = 'delivered' THEN 1 ELSE 0 END) AS delivered,
    max(CASE WHEN event = 'bounced' THEN 1 ELSE 0 END) AS bounced,
    max(CASE WHEN event = 'opened' AND actor = 'person' THEN 1 ELSE 0 END) AS opened,
    max(CASE WHEN event = 'clicked' AND actor = 'person' THEN 1 ELSE 0 END) AS clicked,
    max(CASE WHEN event = 'opened' AND actor = 'machine' THEN 1 ELSE 0 END) AS machine_opened,
    max(CASE WHEN event = 'clicked' AND actor = 'machine' THEN 1 ELSE 0 END) AS machine_clicked,
    max(CASE WHEN event = 'opened' AND actor = 'unmarked' THEN 1 ELSE 0 END) AS unmarked_opened,
    max(CASE WHEN event IN ('unsubscribed', 'complained') THEN 1 ELSE 0 END) AS unsubscribed
  FROM features.message_events
  GROUP BY campaign_id, customer_id, message_id
),
services AS (
  SELECT campaign_id, max(delivered) AS tells_of_delivery, 1 - max(unmarked_opened) AS open_is_known
  FROM messages
  GROUP BY campaign_id
),
members AS (
  SELECT
    messages.campaign_id,
    messages.customer_id,
    max(messages.is_control) AS is_control,
    min(messages.first_at) AS first_at,
    min(messages.assigned_at) AS assigned_at,
    sum(messages.sent) AS messages,
    sum(
      CASE
        WHEN messages.opened + messages.clicked > 0 THEN 1
        WHEN messages.bounced > 0 THEN 0
        WHEN services.tells_of_delivery = 1 THEN messages.delivered
        ELSE messages.sent
      END
    ) AS delivered,
    sum(greatest(messages.opened, messages.clicked)) AS opened,
    sum(messages.clicked) AS clicked,
    sum(messages.machine_opened) AS machine_opened,
    sum(messages.machine_clicked) AS machine_clicked,
    sum(messages.unmarked_opened) AS unmarked_opened,
    sum(messages.unsubscribed) AS unsubscribed,
    max(services.tells_of_delivery) AS tells_of_delivery,
    max(services.open_is_known) AS open_is_known
  FROM messages
  JOIN services ON services.campaign_id = messages.campaign_id
  GROUP BY messages.campaign_id, messages.customer_id
)
SELECT
  members.campaign_id,
  members.customer_id,
  CASE WHEN members.is_control = 1 THEN 'control' ELSE 'treated' END AS group_name,
  CASE
    WHEN campaigns.sent_on <= $snapshot_date THEN campaigns.sent_at
    ELSE coalesce(members.assigned_at, members.first_at)
  END AS started_at,
  coalesce(campaigns.window_days, 5) AS window_days,
  members.messages,
  members.delivered,
  members.opened,
  members.clicked,
  members.machine_opened,
  members.machine_clicked,
  members.unmarked_opened,
  members.unsubscribed,
  members.tells_of_delivery,
  members.open_is_known
FROM members
LEFT JOIN staging.campaigns AS campaigns ON campaigns.campaign_id = members.campaign_id
