/*
description: "How often products are bought: occasions of the last 30, 90 and 365 days, and whether they are bought more than they were. Products of the last 365 days. A query for any day, not a table."
grain: [product_id]
owner: team:data
keep: true
columns:
  product_id:    {type: VARCHAR, meaning: Product}
  occasions_30:  {type: BIGINT, unit: days, min: 0, meaning: Occasions of the last 30 days with the product}
  occasions_90:  {type: BIGINT, unit: days, min: 0, meaning: The same of the last 90 days}
  occasions_365: {type: BIGINT, unit: days, min: 1, meaning: The same of the last 365 days}
  last_on:       {type: DATE, meaning: Last of them}
  trend:         {type: DOUBLE, nullable: true, min: 0, meaning: "((occasions_30 + 1) / all occasions of 30 days) / ((occasions_365 + 10) / all occasions of 365 days); null where there were none in 30 days"}
*/
WITH bought AS (
  SELECT DISTINCT product_id, customer_id, occasion_on, date_diff('day', occasion_on, $snapshot_date) AS age_days
  FROM features.recent_lines
  WHERE product_id IS NOT NULL
),
totals AS (
  SELECT count(*) FILTER (WHERE age_days < 30) AS occasions_30, count(*) AS occasions_365
  FROM (SELECT DISTINCT customer_id, occasion_on, age_days FROM bought) AS days
)
SELECT
  bought.product_id,
  count(*) FILTER (WHERE bought.age_days < 30) AS occasions_30,
  count(*) FILTER (WHERE bought.age_days < 90) AS occasions_90,
  count(*) AS occasions_365,
  max(bought.occasion_on) AS last_on,
  (count(*) FILTER (WHERE bought.age_days < 30) + 1)::DOUBLE / nullif(totals.occasions_30, 0)
    / nullif((count(*) + 10)::DOUBLE / nullif(totals.occasions_365, 0), 0) AS trend
FROM bought
CROSS JOIN totals
GROUP BY bought.product_id, totals.occasions_30, totals.occasions_365
