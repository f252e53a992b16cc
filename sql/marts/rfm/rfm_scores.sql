/*
description: "Recency, frequency and spend of every customer: the values, scores 1–5 and tiers. A score counts the customers who are strictly worse, so equal values always score the same; that of recency may have cut points instead (setting rfm.recency)."
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
SELECT
  $snapshot_date AS snapshot_date,
  customers.customer_id,
  customers.recency_days,
  customers.occasions,
  customers.revenue,
  customers.r_score,
  customers.f_score,
  customers.m_score,
  CASE
    WHEN settings.recency_short_days IS NULL THEN
      CASE customers.r_third WHEN 2 THEN 'short' WHEN 1 THEN 'medium' ELSE 'long' END
    WHEN customers.recency_days <= settings.recency_short_days THEN 'short'
    WHEN customers.recency_days <= settings.recency_medium_days THEN 'medium'
    ELSE 'long'
  END AS recency_tier,
  CASE
    WHEN settings.occasions_regular IS NULL THEN
      CASE customers.f_third WHEN 2 THEN 'often' WHEN 1 THEN 'regular' ELSE 'casual' END
    WHEN customers.occasions >= settings.occasions_often THEN 'often'
    WHEN customers.occasions >= settings.occasions_regular THEN 'regular'
    ELSE 'casual'
  END AS frequency_tier,
  CASE
    WHEN settings.revenue_average IS NULL THEN
      CASE customers.m_third WHEN 2 THEN 'spender' WHEN 1 THEN 'average' ELSE 'saver' END
    WHEN customers.revenue >= settings.revenue_spender THEN 'spender'
    WHEN customers.revenue >= settings.revenue_average THEN 'average'
    ELSE 'saver'
  END AS monetary_tier
FROM features.scored_customers AS customers
CROSS JOIN params.settings AS settings
WHERE customers.basis = 'history'
