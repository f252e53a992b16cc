/*
title: Segments
description: Every customer in the segment of each catalogue, with scores, tiers and what is known of the purchases.
owner: team:crm
each: [catalogue, segment]
values: |
  SELECT DISTINCT catalogue, segment
  FROM marts.segment_catalogue
  WHERE snapshot_date = $snapshot_date
value: revenue_12_months
columns:
  customer_id:       {type: VARCHAR, meaning: Customer of the shop}
  segment:           {type: VARCHAR, meaning: Group the customer falls in}
  changed_on:        {type: DATE, meaning: First snapshot since which the group is the present one}
  previous_segment:  {type: VARCHAR, nullable: true, meaning: "Group on the previous snapshot date; null for a customer who was none then, and on the first snapshot"}
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
*/
SELECT
  segments.catalogue,
  segments.customer_id,
  segments.segment,
  changes.changed_on,
  changes.previous_segment,
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
  summary.revenue_12_months
FROM marts.rfm_segments AS segments
JOIN marts.rfm_scores AS scores USING (snapshot_date, customer_id)
JOIN marts.customer_summary AS summary USING (snapshot_date, customer_id)
JOIN marts.segment_changes AS changes USING (snapshot_date, customer_id, catalogue)
WHERE segments.snapshot_date = $snapshot_date
