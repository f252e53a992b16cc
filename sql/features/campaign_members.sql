/*
description: "Who was assigned to a campaign up to the end of a day, to which group, and how far its messages came. Where a mailing tells its audience and its messages tell of no control group, those members of the audience are that who were left alone by it (marts.control_members) on the snapshot before it was sent, had not objected and, where consents are told of, had agreed to its channel. A query for any day, not a table."
grain: [campaign_id, customer_id]
owner: team:data
columns:
  campaign_id:        {type: VARCHAR, meaning: Campaign}
  customer_id:        {type: VARCHAR, meaning: Member of it}
  group_name:         {type: VARCHAR, values: [treated, control], meaning: "control: some event, or the audience, says so; nothing but who was assigned should be told of them"}
  started_at:         {type: TIMESTAMP, meaning: "From when on orders are looked at: when a mailing was sent; of a rule or a workflow, when the member was assigned, else first told of"}
  drawn_share:        {type: DOUBLE, unit: share, nullable: true, min: 0, max: 1, meaning: "Chance of a member of the audience to be left alone, where that made the campaign's control group"}
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
-- Mailings whose messages tell of no control group, and who was left alone by their audience on the snapshot before.
WITH without AS (
  SELECT
    campaigns.campaign_id,
    campaigns.audience,
    campaigns.channel,
    campaigns.sent_at,
    campaigns.sent_on,
    max(told.window_days) AS window_days,
    max(told.tells_of_delivery) AS tells_of_delivery,
    max(told.open_is_known) AS open_is_known
  FROM features.campaign_recipients AS told
  JOIN staging.campaigns AS campaigns ON campaigns.campaign_id = told.campaign_id
  WHERE campaigns.audience IS NOT NULL AND campaigns.sent_on <= $snapshot_date
  GROUP BY campaigns.campaign_id, campaigns.audience, campaigns.channel, campaigns.sent_at, campaigns.sent_on
  HAVING min(told.group_name) = 'treated'
),
left_alone AS (
  SELECT
    without.campaign_id,
    without.channel,
    without.sent_at,
    without.sent_on,
    without.window_days,
    without.tells_of_delivery,
    without.open_is_known,
    controls.customer_id,
    controls.share
  FROM without
  JOIN marts.control_members AS controls
    ON controls.audience = without.audience
    AND controls.member_from < without.sent_on
    AND coalesce(controls.member_until, without.sent_on) >= without.sent_on
  WHERE controls.snapshot_date = $snapshot_date
),
agreed AS (
  SELECT
    left_alone.campaign_id,
    left_alone.customer_id,
    consents.status,
    row_number() OVER (
      PARTITION BY left_alone.campaign_id, left_alone.customer_id ORDER BY consents.changed_at DESC, consents.status DESC
    ) AS place
  FROM left_alone
  JOIN features.customer_consents AS consents
    ON consents.customer_id = left_alone.customer_id
    AND consents.changed_on < left_alone.sent_on
    AND (consents.channel = left_alone.channel OR consents.channel = '*')
  WHERE consents.purpose = 'marketing'
),
objected AS (
  SELECT customer_id, min(since_on) AS since_on
  FROM staging.objections
  GROUP BY customer_id
),
drawn AS (
  SELECT
    left_alone.campaign_id,
    left_alone.customer_id,
    left_alone.sent_at,
    left_alone.window_days,
    left_alone.tells_of_delivery,
    left_alone.open_is_known,
    left_alone.share
  FROM left_alone
  CROSS JOIN (SELECT count(*) AS consents FROM features.customer_consents WHERE changed_on <= $snapshot_date) AS spoken
  LEFT JOIN agreed
    ON agreed.campaign_id = left_alone.campaign_id AND agreed.customer_id = left_alone.customer_id AND agreed.place = 1
  LEFT JOIN objected ON objected.customer_id = left_alone.customer_id AND objected.since_on < left_alone.sent_on
  WHERE objected.customer_id IS NULL AND (spoken.consents = 0 OR agreed.status = 'granted')
),
shares AS (
  SELECT campaign_id, max(share) AS share
  FROM drawn
  GROUP BY campaign_id
)
SELECT
  told.campaign_id,
  told.customer_id,
  CASE WHEN drawn.customer_id IS NOT NULL THEN 'control' ELSE told.group_name END AS group_name,
  told.started_at,
  shares.share AS drawn_share,
  told.window_days,
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
FROM features.campaign_recipients AS told
LEFT JOIN drawn ON drawn.campaign_id = told.campaign_id AND drawn.customer_id = told.customer_id
LEFT JOIN shares ON shares.campaign_id = told.campaign_id
UNION ALL
SELECT
  drawn.campaign_id,
  drawn.customer_id,
  'control' AS group_name,
  drawn.sent_at AS started_at,
  shares.share AS drawn_share,
  drawn.window_days,
  0 AS messages,
  0 AS delivered,
  0 AS opened,
  0 AS clicked,
  0 AS machine_opened,
  0 AS machine_clicked,
  0 AS unmarked_opened,
  0 AS unsubscribed,
  0 AS out_of_order,
  drawn.tells_of_delivery,
  drawn.open_is_known
FROM drawn
JOIN shares ON shares.campaign_id = drawn.campaign_id
LEFT JOIN features.campaign_recipients AS told
  ON told.campaign_id = drawn.campaign_id AND told.customer_id = drawn.customer_id
WHERE told.customer_id IS NULL
