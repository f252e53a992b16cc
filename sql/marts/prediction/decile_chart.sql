/*
description: "Customers of the holdout in tenths, from those that a model or baseline predicted to be best to those it predicted to be least: what was predicted of each tenth, and what happened."
grain: [snapshot_date, target, model, decile]
owner: team:data
computed_by: prediction
reads: [marts.lifecycle_months, staging.occasions, staging.order_lines, staging.orders]
columns:
  snapshot_date: {type: DATE, meaning: The day whose end the row describes}
  target:        {type: VARCHAR, values: [counts, value, purchase_30d, purchase_90d, churn], meaning: "What was predicted; churn is shown as the purchase within its horizon"}
  model:         {type: VARCHAR, meaning: "Model or baseline; those that expect the same of everyone are left out"}
  horizon_days:  {type: INTEGER, unit: days, min: 1, meaning: Days after the origin that were judged}
  decile:        {type: INTEGER, min: 1, max: 10, meaning: "Tenth of the customers, 1 was predicted to be best"}
  customers:     {type: DOUBLE, unit: customers, min: 0, meaning: "A tenth of the customers judged; who ties across a border is shared out between both sides"}
  predicted:     {type: DOUBLE, meaning: "Mean predicted: occasions, spend or probability"}
  observed:      {type: DOUBLE, meaning: "Mean that happened: occasions, spend or share that bought"}
  lift:          {type: DOUBLE, nullable: true, meaning: "That by the mean of all customers; null where nothing happened"}
  captured:      {type: DOUBLE, nullable: true, meaning: "Share of all that happened which this tenth and those before it brought; null where nothing happened"}
tests:
  ten_tenths_hold_all_that_happened: |
    SELECT target, model, count(*) AS tenths, max(captured) FILTER (WHERE decile = 10) AS captured
    FROM marts.decile_chart
    WHERE snapshot_date = $snapshot_date
    GROUP BY target, model
    HAVING count(*) <> 10 OR abs(max(captured) FILTER (WHERE decile = 10) - 1) > 0.000001
*/
