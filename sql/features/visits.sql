/*
description: "Visits of customers to the web shop up to the end of a day. What one visit tells of several customers is a visit of each. A query for any day, not a table."
grain: [customer_id, visit_id]
owner: team:data
keep: true
columns:
  customer_id: {type: VARCHAR, meaning: Customer of the shop}
  visit_id:    {type: VARCHAR, meaning: Visit}
  began_at:    {type: TIMESTAMP, meaning: "Its first event, in the shop's time zone"}
  began_on:    {type: DATE, meaning: Local day of it}
  channel:     {type: VARCHAR, meaning: "Marketing channel it came by, by the rules for orders: of source and medium as its events say; of several, the first by name, and other where no event says both"}
  campaign_id: {type: VARCHAR, nullable: true, meaning: "Campaign that an event of it names; of several, the last by name"}
*/
WITH visits AS (
  SELECT
    customer_id,
    visit_id,
    min(happened_at) AS began_at,
    min(happened_on) AS began_on,
    min(source) AS source,
    min(medium) AS medium,
    max(campaign_id) AS campaign_id
  FROM features.customer_events
  WHERE customer_id IS NOT NULL AND happened_on <= $snapshot_date
  GROUP BY customer_id, visit_id
)
SELECT
  visits.customer_id,
  visits.visit_id,
  visits.began_at,
  visits.began_on,
  coalesce(origins.channel, 'other') AS channel,
  visits.campaign_id
FROM visits
LEFT JOIN features.origins AS origins
  ON origins.source = coalesce(lower(trim(visits.source)), '')
  AND origins.medium = coalesce(lower(trim(visits.medium)), '')
  AND origins.sales_channel = ''
