/*
description: "Predicted probability against what happened, in ten groups of equal size from least to most likely."
grain: [snapshot_date, target, model, bin]
owner: team:data
computed_by: prediction
reads: [marts.lifecycle_months, staging.occasions, staging.order_lines, staging.orders]
columns:
  snapshot_date: {type: DATE, meaning: The day whose end the row describes}
  target:        {type: VARCHAR, values: [purchase_30d, purchase_90d, churn], meaning: "What was predicted; churn is shown as the purchase within its horizon"}
  model:         {type: VARCHAR, meaning: Model}
  horizon_days:  {type: INTEGER, unit: days, min: 1, meaning: Days after the origin that were judged}
  bin:           {type: INTEGER, min: 1, max: 10, meaning: "Group, 1 is least likely to buy"}
  customers:     {type: BIGINT, unit: customers, min: 0, meaning: Customers in the group}
  predicted:     {type: DOUBLE, min: 0, max: 1, meaning: Mean predicted probability}
  observed:      {type: DOUBLE, min: 0, max: 1, meaning: Share that bought}
  low:           {type: DOUBLE, min: 0, max: 1, meaning: Lower end of the 95 % Wilson interval of that share}
  high:          {type: DOUBLE, min: 0, max: 1, meaning: Upper end of the 95 % Wilson interval of that share}
*/
