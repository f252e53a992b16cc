/*
title: Cells of recency and order days
description: "Customers by recency score and frequency score, a file for each pair that somebody has: r5_f1 holds who bought last and least often."
owner: team:crm
advice: What the segments, which are made of these cells, are written to is in marts.segment_catalogue.
csv: true
catalogue: rfm
each: cell
values: |
  SELECT 'r' || first_score || '_f' || second_score AS cell
  FROM marts.rfm_crosstab
  WHERE snapshot_date = $snapshot_date AND pair = 'RF' AND customers > 0
value: predicted_clv
columns:
  customer_id:          {type: VARCHAR, meaning: Customer of the shop}
  r_score:              {type: INTEGER, min: 1, max: 5, meaning: "Recency score, 5 bought last"}
  f_score:              {type: INTEGER, min: 1, max: 5, meaning: "Frequency score, 5 bought most often"}
  stage:                {type: VARCHAR, meaning: Lifecycle stage}
  recency_days:
  usual_gap_days:       {type: DOUBLE, unit: days, nullable: true, min: 0, meaning: Median number of days between orders; null before the second}
  orders:
  revenue_12_months:
  predicted_clv:
  churn_probability:
  churn_horizon_days:
  p_purchase_30d:
  p_purchase_90d:
  next_purchase_from:
  next_purchase_median:
  next_purchase_to:
*/
SELECT
  'r' || r_score || '_f' || f_score AS cell,
  customer_id,
  r_score,
  f_score,
  stage,
  recency_days,
  median_gap_days AS usual_gap_days,
  orders,
  revenue_12_months,
  predicted_clv,
  churn_probability,
  churn_horizon_days,
  p_purchase_30d,
  p_purchase_90d,
  next_purchase_from,
  next_purchase_median,
  next_purchase_to
FROM marts.customer_360
WHERE snapshot_date = $snapshot_date AND r_score IS NOT NULL
