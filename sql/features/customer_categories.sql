/*
description: "What customers have bought, category by category. A query for any day, not a table."
grain: [customer_id, category]
owner: team:data
keep: true
columns:
  customer_id: {type: VARCHAR, meaning: Customer of the shop}
  category:    {type: VARCHAR, meaning: Category}
  occasions:   {type: BIGINT, unit: days, min: 1, meaning: Occasions with something of it}
  weight:      {type: DOUBLE, min: 0, meaning: "The same, each counting half after 90 days"}
  first_on:    {type: DATE, meaning: First of them}
  last_on:     {type: DATE, meaning: Last of them}
*/
SELECT
  customer_id,
  item AS category,
  count(*) AS occasions,
  sum(pow(0.5, date_diff('day', occasion_on, $snapshot_date)::DOUBLE / 90)) AS weight,
  min(occasion_on) AS first_on,
  max(occasion_on) AS last_on
FROM features.item_occasions
WHERE level = 'category'
GROUP BY customer_id, item
