/*
description: "Recency, frequency and spend of every customer: the values, scores 1–5 and tiers. A score counts the customers who are strictly worse, so equal values always score the same."
grain: [snapshot_date, customer_id]
owner: team:crm
columns:
  snapshot_date:  {type: DATE, meaning: The day whose end the row describes}
  customer_id:    {type: VARCHAR, meaning: Customer of the shop}
  recency_days:   {type: BIGINT, unit: days, min: 0, meaning: Days from the last occasion to the snapshot date}
  occasions:      {type: BIGINT, unit: days, min: 1, meaning: "Days with an order: RFM's F"}
  revenue:        {type: "DECIMAL(18,2)", unit: currency, meaning: "Net revenue: RFM's M"}
  r_score:        {type: INTEGER, min: 1, max: 5, meaning: Recency score; 5 bought most recently}
  f_score:        {type: INTEGER, min: 1, max: 5, meaning: Frequency score; 5 bought most often}
  m_score:        {type: INTEGER, min: 1, max: 5, meaning: Spend score; 5 spent most}
  recency_tier:   {type: VARCHAR, values: [short, medium, long], meaning: Time since the last occasion in three steps}
  frequency_tier: {type: VARCHAR, values: [casual, regular, often], meaning: Occasions in three steps}
  monetary_tier:  {type: VARCHAR, values: [saver, average, spender], meaning: Net revenue in three steps}
tests:
  every_customer_is_scored: |
    SELECT summary.customer_id
    FROM marts.customer_summary AS summary
    LEFT JOIN marts.rfm_scores AS scores
      ON scores.customer_id = summary.customer_id AND scores.snapshot_date = $snapshot_date
    WHERE summary.snapshot_date = $snapshot_date AND scores.customer_id IS NULL
*/
WITH customers AS (
  SELECT customer_id, recency_days, occasions, revenue
  FROM marts.customer_summary
  WHERE snapshot_date = $snapshot_date
),
everyone AS (
  SELECT count(*) AS customers
  FROM customers
),
recency AS (
  SELECT
    recency_days,
    coalesce(sum(count(*)) OVER (ORDER BY recency_days DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)::BIGINT AS worse
  FROM customers
  GROUP BY recency_days
),
frequency AS (
  SELECT
    occasions,
    coalesce(sum(count(*)) OVER (ORDER BY occasions ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)::BIGINT AS worse
  FROM customers
  GROUP BY occasions
),
spend AS (
  SELECT
    revenue,
    coalesce(sum(count(*)) OVER (ORDER BY revenue ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)::BIGINT AS worse
  FROM customers
  GROUP BY revenue
)
SELECT
  $snapshot_date AS snapshot_date,
  customers.customer_id,
  customers.recency_days,
  customers.occasions,
  customers.revenue,
  1 + 5 * recency.worse // nullif(everyone.customers, 0) AS r_score,
  1 + 5 * frequency.worse // nullif(everyone.customers, 0) AS f_score,
  1 + 5 * spend.worse // nullif(everyone.customers, 0) AS m_score,
  CASE
    WHEN settings.recency_short_days IS NULL THEN
      CASE 3 * recency.worse // nullif(everyone.customers, 0) WHEN 2 THEN 'short' WHEN 1 THEN 'medium' ELSE 'long' END
    WHEN customers.recency_days <= settings.recency_short_days THEN 'short'
    WHEN customers.recency_days <= settings.recency_medium_days THEN 'medium'
    ELSE 'long'
  END AS recency_tier,
  CASE
    WHEN settings.occasions_regular IS NULL THEN
      CASE 3 * frequency.worse // nullif(everyone.customers, 0) WHEN 2 THEN 'often' WHEN 1 THEN 'regular' ELSE 'casual' END
    WHEN customers.occasions >= settings.occasions_often THEN 'often'
    WHEN customers.occasions >= settings.occasions_regular THEN 'regular'
    ELSE 'casual'
  END AS frequency_tier,
  CASE
    WHEN settings.revenue_average IS NULL THEN
      CASE 3 * spend.worse // nullif(everyone.customers, 0) WHEN 2 THEN 'spender' WHEN 1 THEN 'average' ELSE 'saver' END
    WHEN customers.revenue >= settings.revenue_spender THEN 'spender'
    WHEN customers.revenue >= settings.revenue_average THEN 'average'
    ELSE 'saver'
  END AS monetary_tier
FROM customers
CROSS JOIN everyone
CROSS JOIN params.settings AS settings
JOIN recency ON recency.recency_days = customers.recency_days
JOIN frequency ON frequency.occasions = customers.occasions
JOIN spend ON spend.revenue = customers.revenue
