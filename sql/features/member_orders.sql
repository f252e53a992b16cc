/*
description: "Members of campaigns who ordered in the window of the campaign, or in the 180 days or the same number of days before it: orders that stand at the end of a day, whatever made them. A query for any day, not a table."
grain: [campaign_id, customer_id]
owner: team:data
columns:
  campaign_id:  {type: VARCHAR, meaning: Campaign}
  customer_id:  {type: VARCHAR, meaning: Member of it}
  orders:       {type: BIGINT, unit: orders, min: 0, meaning: Orders in the window}
  spend:        {type: "DECIMAL(18,2)", unit: currency, meaning: "What they brought, less what was paid back by the end of the day"}
  spend_before: {type: "DECIMAL(18,2)", unit: currency, meaning: "The same of orders in as many days before the campaign began for the member as its window has"}
  spend_180d:   {type: "DECIMAL(18,2)", unit: currency, meaning: "The same of orders in the 180 days before it began"}
*/
WITH near AS (
  SELECT
    members.campaign_id,
    members.customer_id,
    CASE WHEN orders.ordered_at > members.started_at THEN 1 ELSE 0 END AS is_after,
    date_diff('day', orders.ordered_on, members.started_at::DATE) AS days_before,
    members.window_days,
    (orders.order_value + orders.refunds)::DECIMAL(18,2) AS spend
  FROM features.campaign_members AS members
  JOIN features.order_values AS orders
    ON orders.customer_id = members.customer_id
    AND orders.ordered_on >= members.started_at::DATE - greatest(180, members.window_days)
    AND orders.ordered_on <= members.started_at::DATE + members.window_days
)
SELECT
  campaign_id,
  customer_id,
  sum(is_after) AS orders,
  coalesce(sum(spend) FILTER (WHERE is_after = 1), 0)::DECIMAL(18,2) AS spend,
  coalesce(sum(spend) FILTER (WHERE is_after = 0 AND days_before <= window_days), 0)::DECIMAL(18,2) AS spend_before,
  coalesce(sum(spend) FILTER (WHERE is_after = 0 AND days_before <= 180), 0)::DECIMAL(18,2) AS spend_180d
FROM near
GROUP BY campaign_id, customer_id
