/*
title: Lifecycle stages
description: "Everybody by stage of the lifecycle, a file for each; who has registered and not ordered yet is a lead."
owner: team:crm
advice: What a move from one stage to the next is worth, and so may cost, is on the page Lifecycle.
catalogue: stages
each: stage_name
values: |
  SELECT stage_name
  FROM (VALUES ('active'), ('first_time'), ('lapsing'), ('lapsed'), ('lead')) AS listed (stage_name)
value: predicted_clv
columns:
  customer_id:          {type: VARCHAR, meaning: "Customer of the shop, or who has registered there"}
  stage:                {type: VARCHAR, meaning: Lifecycle stage}
  activity_trend:       {type: VARCHAR, nullable: true, meaning: "growing, declining or stable; else why it is not known"}
  recency_days:         {type: BIGINT, unit: days, nullable: true, min: 0, meaning: Days since the last order}
  usual_gap_days:       {type: DOUBLE, unit: days, nullable: true, min: 0, meaning: Median number of days between orders; null before the second}
  orders:               {type: BIGINT, unit: orders, nullable: true, min: 1, meaning: Orders that stand}
  revenue_12_months:    {type: "DECIMAL(18,2)", unit: currency, nullable: true, meaning: "Revenue of the last 365 days; null for who has not ordered yet"}
  predicted_clv:        {type: DOUBLE, unit: currency, nullable: true, meaning: "Predicted value; null where it is not predicted"}
  churn_probability:    {type: DOUBLE, unit: share, nullable: true, min: 0, max: 1, meaning: Probability of no order within churn_horizon_days}
  churn_horizon_days:   {type: INTEGER, unit: days, nullable: true, min: 1, meaning: The churn horizon of the day}
  p_purchase_30d:       {type: DOUBLE, unit: share, nullable: true, min: 0, max: 1, meaning: Probability of an order within 30 days}
  p_purchase_90d:       {type: DOUBLE, unit: share, nullable: true, min: 0, max: 1, meaning: Probability of an order within 90 days}
  next_purchase_from:   {type: DATE, nullable: true, meaning: "Day by which one in ten like this has bought, of those who buy within 365 days"}
  next_purchase_median: {type: DATE, nullable: true, meaning: Day by which half of them have}
  next_purchase_to:     {type: DATE, nullable: true, meaning: Day by which nine in ten of them have}
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
