/*
title: Segments
description: "Every customer in the segment of each catalogue, with scores, tiers, what is known of the purchases and what is predicted."
owner: team:crm
csv: true
each: [catalogue, segment]
values: |
  SELECT DISTINCT catalogue, segment
  FROM marts.segment_catalogue
  WHERE snapshot_date = $snapshot_date
value: revenue_12_months
ids_only:
  - predicted_clv
  - churn_probability
  - churn_horizon_days
  - p_purchase_30d
  - p_purchase_90d
  - next_purchase_from
  - next_purchase_median
  - next_purchase_to
  - stage
  - activity_trend
columns:
  customer_id:       {type: VARCHAR, meaning: Customer of the shop}
  segment:           {type: VARCHAR, meaning: Group the customer falls in}
  changed_on:        {type: DATE, nullable: true, meaning: "First snapshot since which the group is the present one; empty for who has never changed it"}
  previous_segment:  {type: VARCHAR, nullable: true, meaning: "Group before the present one; empty for who has never changed it"}
  recency_days:      {type: BIGINT, unit: days, min: 0, meaning: Days from the last occasion to the snapshot date}
  occasions:         {type: BIGINT, unit: days, min: 1, meaning: "Days with an order: RFM's F"}
  revenue:           {type: "DECIMAL(18,2)", unit: currency, meaning: "Net revenue: RFM's M"}
  r_score:           {type: INTEGER, min: 1, max: 5, meaning: Recency score; 5 bought most recently}
  f_score:           {type: INTEGER, min: 1, max: 5, meaning: Frequency score; 5 bought most often}
  m_score:           {type: INTEGER, min: 1, max: 5, meaning: Spend score; 5 spent most}
  recency_tier:      {type: VARCHAR, meaning: Time since the last occasion in three steps}
  frequency_tier:    {type: VARCHAR, meaning: Occasions in three steps}
  monetary_tier:     {type: VARCHAR, meaning: Net revenue in three steps}
  first_purchase_on: {type: DATE, meaning: Local day of the first occasion}
  last_purchase_on:  {type: DATE, meaning: Local day of the last occasion}
  orders:            {type: BIGINT, unit: orders, min: 1, meaning: Orders that stand}
  mean_order_value:  {type: DOUBLE, unit: currency, meaning: "Sales and charges per order that stands, before refunds"}
  revenue_12_months: {type: "DECIMAL(18,2)", unit: currency, meaning: Revenue of the last 365 days}
  predicted_clv:
  churn_probability:
  churn_horizon_days:
  p_purchase_30d:
  p_purchase_90d:
  next_purchase_from:
  next_purchase_median:
  next_purchase_to:
  stage:             {type: VARCHAR, nullable: true, meaning: Lifecycle stage}
  activity_trend:
*/
SELECT
  segments.catalogue,
  segments.customer_id,
  segments.segment,
  CASE WHEN changes.segment_before IS NOT NULL THEN changes.changed_on END AS changed_on,
  changes.segment_before AS previous_segment,
  scores.recency_days,
  scores.occasions,
  scores.revenue,
  scores.r_score,
  scores.f_score,
  scores.m_score,
  scores.recency_tier,
  scores.frequency_tier,
  scores.monetary_tier,
  summary.first_purchase_on,
  summary.last_purchase_on,
  summary.orders,
  summary.mean_order_value,
  summary.revenue_12_months,
  whole.predicted_clv,
  whole.churn_probability,
  whole.churn_horizon_days,
  whole.p_purchase_30d,
  whole.p_purchase_90d,
  whole.next_purchase_from,
  whole.next_purchase_median,
  whole.next_purchase_to,
  whole.stage,
  whole.activity_trend
FROM marts.rfm_segments AS segments
JOIN marts.rfm_scores AS scores USING (snapshot_date, customer_id)
JOIN marts.customer_summary AS summary USING (snapshot_date, customer_id)
JOIN marts.segment_changes AS changes USING (snapshot_date, customer_id, catalogue)
LEFT JOIN marts.customer_360 AS whole USING (snapshot_date, customer_id)
WHERE segments.snapshot_date = $snapshot_date
