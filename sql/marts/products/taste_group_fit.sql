/*
description: "Whether customers fall into groups by what they buy, for 3 to 8 groups: how far two halves of the customers lead to the same grouping of everybody, and how far customers do who buy as often but each time an item drawn by popularity. Groups are published for the chosen number, and not where none passes."
grain: [snapshot_date, groups]
owner: team:data
computed_by: taste
reads: [staging.order_lines, staging.orders, staging.products]
columns:
  snapshot_date:  {type: DATE, meaning: The day whose end the row describes}
  groups:         {type: INTEGER, unit: groups, min: 3, max: 8, meaning: Number of groups on trial}
  status:         {type: VARCHAR, values: [ok, insufficient_data], meaning: "insufficient_data: fewer than 300 customers with 10 different items, or no number of groups passes"}
  level:          {type: VARCHAR, nullable: true, values: [product, category], meaning: "What tastes are made of: products, or categories where fewer than 300 customers qualify by products; null without customers"}
  customers:      {type: BIGINT, unit: customers, min: 0, meaning: "Customers who bought at least 10 of the items in the last 365 days"}
  items:          {type: BIGINT, unit: items, min: 0, meaning: "Items, the most bought of at least 20 customers"}
  stability:      {type: DOUBLE, nullable: true, min: -1, max: 1, meaning: "Adjusted Rand index of the groupings that two halves of the customers lead to: 1 the same, 0 no more alike than by chance; null with too few customers"}
  null_stability: {type: DOUBLE, nullable: true, min: -1, max: 1, meaning: "The same of customers without a taste; the mean over 3, 5 and 8 groups"}
  smallest:       {type: BIGINT, nullable: true, unit: customers, min: 0, meaning: "Customers of the smallest group, of those that were looked at"}
  is_chosen:      {type: BOOLEAN, meaning: "The largest number that passes (stability at least 0.5 and 0.2 above that without a taste, no group below 30 customers and 2 %) and is within 0.05 of the most stable that does"}
tests:
  one_is_chosen_or_none: |
    SELECT status, count(*) AS told FROM marts.taste_group_fit
    WHERE snapshot_date = $snapshot_date
    GROUP BY status
    HAVING count(*) <> 6 OR count(*) FILTER (WHERE is_chosen) <> CASE WHEN status = 'ok' THEN 1 ELSE 0 END
*/
