/*
description: "Orders of the last 730 days that stand at the end of a day, by customer and marketing channel; orders of guests and those whose channel was not recorded are left out. A query for any day, not a table."
grain: [customer_id, channel]
owner: team:data
keep: true
columns:
  customer_id: {type: VARCHAR, meaning: Customer}
  channel:     {type: VARCHAR, meaning: Marketing channel of the order}
  orders:      {type: BIGINT, unit: orders, min: 1, meaning: Orders that came by it}
*/
SELECT orders.customer_id, channels.channel, count(*) AS orders
FROM marts.order_channels AS channels
JOIN features.order_values AS orders ON orders.order_id = channels.order_id
WHERE channels.snapshot_date = $snapshot_date
  AND channels.channel <> 'unknown'
  AND orders.customer_id IS NOT NULL
  AND date_diff('day', channels.ordered_on, $snapshot_date) < 730
GROUP BY orders.customer_id, channels.channel
