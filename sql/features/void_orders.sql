/*
description: "Orders that are void at the end of a day: cancelled, or refunded in full, as staging.orders tells. A query for any day, not a table."
grain: [order_id]
owner: team:data
columns:
  order_id: {type: VARCHAR, meaning: Order of the shop}
  void_on:  {type: DATE, meaning: Day on which it became void last}
*/
SELECT order_id, max(known_on) AS void_on
FROM staging.orders
WHERE voided <> 0 AND known_on <= $snapshot_date
GROUP BY order_id
HAVING sum(voided) > 0
