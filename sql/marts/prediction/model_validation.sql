/*
description: "How good every model and every naive baseline was on data it had not seen: fitted to the data up to the origin, judged on the days after it, up to the last month's end (with less than a year of history before that, up to the snapshot date). Also, in sums, what the projections of the shop's revenue were worth, which projection_backtest has month by month."
grain: [snapshot_date, target, model, metric]
owner: team:data
computed_by: prediction
reads: [marts.lifecycle_months, staging.occasions, staging.order_lines, staging.orders]
columns:
  snapshot_date: {type: DATE, meaning: The day whose end the row describes}
  target:        {type: VARCHAR, meaning: "What was predicted", values: [counts, value, purchase_30d, purchase_90d, churn, projection]}
  model:         {type: VARCHAR, meaning: "Model or baseline"}
  metric:        {type: VARCHAR, meaning: "bias_percent, mae, rmse, correlation, normalised_gini, top_10_percent_capture, auc, log_loss, mean_log_loss (of the holdouts of up to three origins, 30 days apart, where a classifier could be tested: what the choice goes by), poisson_deviance of counts, mean_log_deviance_ratio (of boosted counts by the timing model alone, on up to three origins: what their choice goes by), brier, ece, base_rate, predicted and actual (sums), coverage_80 (share inside the 80 % predictive interval, as interval_coverage has it by class); of the projection, all months of the back-test together: predicted, actual, bias_percent, mae, coverage_95 (share of the months inside their 95 % interval) and months (how many)"}
  is_baseline:   {type: BOOLEAN, meaning: Whether it is one of the naive models}
  origin:        {type: DATE, meaning: "Last day the models had seen; of the projection the one before the last month"}
  horizon_days:  {type: INTEGER, unit: days, min: 1, meaning: Days after the origin that were judged}
  customers:     {type: BIGINT, unit: customers, min: 0, meaning: "Customers judged; of the projection those the shop had on that day, leads included"}
  value:         {type: DOUBLE, nullable: true, meaning: "The figure; null where it does not exist"}
metrics: |
  SELECT metric || ' of ' || target || ': ' || model AS name, value
  FROM marts.model_validation
  WHERE snapshot_date = $snapshot_date
    AND ((target IN ('churn', 'purchase_90d') AND metric = 'log_loss') OR (target = 'value' AND metric = 'rmse'))
  ORDER BY name
*/
