/*
description: "Members of campaigns, each with the orders that stand at the end of a day and were placed in the window of the campaign, whatever made them. A query for any day, not a table."
grain: [campaign_id, customer_id]
owner: team:data
columns:
  campaign_id: {type: VARCHAR, meaning: Campaign}
  customer_id: {type: VARCHAR, meaning: Member of it who ordered in its window}
  orders:      {type: BIGINT, unit: orders, min: 1, meaning: Orders in the window}
  spend:       {type: "DECIMAL(18,2)", unit: currency, meaning: "What they brought, less what was paid back by then"}
*/
SELECT
  members.campaign_id,
  members.customer_id,
  count(*) AS orders,
  sum(orders.order_value + orders.refunds) AS spend
FROM features.campaign_members AS members
JOIN features.order_values AS orders
  ON orders.customer_id = members.customer_id
  AND orders.ordered_at > members.started_at
  AND orders.ordered_on <= members.started_at::DATE + members.window_days
GROUP BY members.campaign_id, members.customer_id
