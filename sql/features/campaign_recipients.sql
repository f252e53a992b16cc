/*
description: "Who was assigned to a campaign up to the end of a day as its messages tell, to which group, and how far the messages came. A query for any day, not a table."
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
  out_of_order:       {type: BIGINT, unit: messages, min: 0, meaning: "Messages of which something is told before their campaign was sent, or that were opened or clicked more than 30 minutes before they went out"}
  tells_of_delivery:  {type: INTEGER, min: 0, max: 1, meaning: "1 if the service tells of deliveries of the campaign"}
  open_is_known:      {type: INTEGER, min: 0, max: 1, meaning: "0 if nobody knows who opened the campaign's messages"}
*/
WITH told AS (
  SELECT
    messages.campaign_id,
    messages.customer_id,
    max(messages.is_control) AS is_control,
    min(messages.first_at) AS first_at,
    min(messages.assigned_at) AS assigned_at,
    sum(messages.sent) AS messages,
    sum(messages.delivered) AS delivered,
    sum(messages.opened) AS opened,
    sum(messages.clicked) AS clicked,
    sum(messages.machine_opened) AS machine_opened,
    sum(messages.machine_clicked) AS machine_clicked,
    sum(messages.unmarked_opened) AS unmarked_opened,
    sum(messages.unsubscribed) AS unsubscribed,
    sum(
      CASE
        WHEN messages.began_at < campaigns.sent_at THEN 1
        WHEN messages.acted_at + INTERVAL 30 MINUTE < messages.went_out_at THEN 1
        ELSE 0
      END
    ) AS out_of_order,
    max(messages.tells_of_delivery) AS tells_of_delivery,
    max(messages.open_is_known) AS open_is_known
  FROM features.message_outcomes AS messages
  LEFT JOIN staging.campaigns AS campaigns ON campaigns.campaign_id = messages.campaign_id
  -- Members may be drawn days ahead: until anything is sent, the campaign has not begun for them.
  WHERE campaigns.sent_on IS NULL OR campaigns.sent_on <= $snapshot_date OR messages.campaign_is_sent = 1
  GROUP BY messages.campaign_id, messages.customer_id
)
SELECT
  told.campaign_id,
  told.customer_id,
  CASE WHEN told.is_control = 1 THEN 'control' ELSE 'treated' END AS group_name,
  CASE
    WHEN campaigns.sent_on <= $snapshot_date THEN campaigns.sent_at
    ELSE coalesce(told.assigned_at, told.first_at)
  END AS started_at,
  coalesce(campaigns.window_days, 5) AS window_days,
  told.messages,
  told.delivered,
  told.opened,
  told.clicked,
  told.machine_opened,
  told.machine_clicked,
  told.unmarked_opened,
  told.unsubscribed,
  told.out_of_order,
  told.tells_of_delivery,
  told.open_is_known
FROM told
LEFT JOIN staging.campaigns AS campaigns ON campaigns.campaign_id = told.campaign_id
