/*
title: Lifecycle stages
description: "Everybody by stage of the lifecycle, a file for each; who has registered and not ordered yet is a lead."
owner: team:crm
advice: What a move from one stage to the next is worth, and so may cost, is on the page Lifecycle.
csv: true
catalogue: stages
each: stage_name
values: |
  SELECT stage_name
  FROM (VALUES ('active'), ('first_time'), ('lapsing'), ('lapsed'), ('lead')) AS listed (stage_name)
value: predicted_clv
columns:
  customer_id:          {type: VARCHAR, meaning: "Customer of the shop, or who has registered there"}
  stage:                {type: VARCHAR, meaning: Lifecycle stage}
  activity_trend:
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
  CASE stage
    WHEN 'first-time' THEN 'first_time' WHEN 'defecting' THEN 'lapsing' WHEN 'inactive' THEN 'lapsed' ELSE stage
  END AS stage_name,
  customer_id,
  stage,
  activity_trend,
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
WHERE snapshot_date = $snapshot_date
