/*
description: "Visits of customers to the web shop up to the end of a day. What one visit tells of several customers is a visit of each. A query for any day, not a table."
grain: [customer_id, visit]
owner: team:data
keep: true
columns:
  customer_id: {type: VARCHAR, meaning: Customer of the shop}
  visit:       {type: INTEGER, min: 1, meaning: "Which of the customer's visits it is, by when they began, then by the id of the web analytics"}
  began_at:    {type: TIMESTAMP, meaning: "Its first event, in the shop's time zone"}
  began_on:    {type: DATE, meaning: Local day of it}
  channel:     {type: VARCHAR, meaning: "Marketing channel it came by, by the rules for orders: of source and medium as its events say; of several, the first by name, and other where no event says both"}
  campaign_id: {type: VARCHAR, nullable: true, meaning: "Campaign that an event of it names; of several, the last by name"}
  next_on:     {type: DATE, nullable: true, meaning: "Local day of the customer's next visit; null for the last"}
  next_channel: {type: VARCHAR, nullable: true, meaning: Channel of that}
*/
WITH visits AS (
  SELECT
    customer_id,
    visit_id,
    min(happened_at) AS began_at,
    min(source) AS source,
    min(medium) AS medium,
    max(campaign_id) AS campaign_id
  FROM features.customer_events
  WHERE customer_id IS NOT NULL AND happened_on <= $snapshot_date
  GROUP BY customer_id, visit_id
),
with_channel AS (
  SELECT
    visits.customer_id,
    visits.visit_id,
    visits.began_at,
    visits.began_at::DATE AS began_on,
    coalesce(origins.channel, 'other') AS channel,
    visits.campaign_id
  FROM visits
  LEFT JOIN features.origins AS origins
    ON origins.source = coalesce(lower(trim(visits.source)), '')
    AND origins.medium = coalesce(lower(trim(visits.medium)), '')
    AND origins.sales_channel = ''
)
SELECT
  customer_id,
  row_number() OVER (PARTITION BY customer_id ORDER BY began_at, visit_id) AS visit,
  began_at,
  began_on,
  channel,
  campaign_id,
  lead(began_on) OVER (PARTITION BY customer_id ORDER BY began_at, visit_id) AS next_on,
  lead(channel) OVER (PARTITION BY customer_id ORDER BY began_at, visit_id) AS next_channel
FROM with_channel
