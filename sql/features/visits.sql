/*
description: "Visits of customers to the web shop up to the end of a day. What one visit tells of several customers is a visit of each. A query for any day, not a table."
grain: [customer_id, visit_id]
owner: team:data
columns:
  customer_id: {type: VARCHAR, meaning: Customer of the shop}
  visit_id:    {type: VARCHAR, meaning: Visit}
  began_at:    {type: TIMESTAMP, meaning: "Its first event, in the shop's time zone"}
  began_on:    {type: DATE, meaning: Local day of it}
  source:      {type: VARCHAR, nullable: true, meaning: "Where it came from, as its events say; of several, the first by name"}
  medium:      {type: VARCHAR, nullable: true, meaning: "By what kind of link, likewise"}
  campaign_id: {type: VARCHAR, nullable: true, meaning: "Campaign it is ascribed to, likewise"}
*/
SELECT
  customer_id,
  visit_id,
  min(happened_at) AS began_at,
  min(happened_on) AS began_on,
  min(source) AS source,
  min(medium) AS medium,
  min(campaign_id) AS campaign_id
FROM features.customer_events
WHERE customer_id IS NOT NULL AND happened_on <= $snapshot_date
GROUP BY customer_id, visit_id
