/*
description: "What is published of every customer where a classifier is champion, alone or blended with the best timing model, or boosted counts are: probabilities, when the next purchase is due, and by how much more purchases are expected than the timing model expects. Empty on days without such a champion: then timing_predictions has all of it."
grain: [snapshot_date, customer_id]
owner: team:data
computed_by: prediction
reads: [marts.lifecycle_months, staging.occasions, staging.order_lines, staging.orders]
columns:
  snapshot_date:             {type: DATE, meaning: The day whose end the row describes}
  customer_id:               {type: VARCHAR, meaning: Customer of the shop}
  p_purchase_30d:            {type: DOUBLE, min: 0, max: 1, meaning: Probability of an occasion in the next 30 days}
  p_purchase_90d:            {type: DOUBLE, min: 0, max: 1, meaning: Probability of an occasion in the next 90 days}
  p_purchase_churn:          {type: DOUBLE, min: 0, max: 1, meaning: Probability of an occasion within churn_horizon_days}
  churn_horizon_days:        {type: INTEGER, unit: days, min: 1, meaning: "The churn horizon of the snapshot date, as chosen or set (churn_horizons)"}
  p_purchase_180d:           {type: DOUBLE, min: 0, max: 1, meaning: Probability of an occasion in the next 180 days}
  p_purchase_365d:           {type: DOUBLE, min: 0, max: 1, meaning: Probability of an occasion in the next 365 days}
  next_purchase_early_days:  {type: DOUBLE, unit: days, nullable: true, min: 0, meaning: "Days by which one in ten has bought, of those who buy within 365 days"}
  next_purchase_median_days: {type: DOUBLE, unit: days, nullable: true, min: 0, meaning: "Days by which half have bought, of those who buy within 365 days"}
  next_purchase_late_days:   {type: DOUBLE, unit: days, nullable: true, min: 0, meaning: "Days by which nine in ten have bought, of those who buy within 365 days"}
  purchases_factor:          {type: DOUBLE, min: 0, meaning: "Purchases expected of the customer by those that the timing model expects, which it expects in sum within 365 days; 1 where the champion of counts is a timing model"}
*/
