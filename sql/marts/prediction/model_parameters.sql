/*
description: "Parameters of the models fitted to all data up to the snapshot date; time in weeks, money in the reporting currency."
grain: [snapshot_date, model, parameter]
owner: team:data
computed_by: prediction
reads: [marts.lifecycle_months, staging.occasions, staging.order_lines, staging.orders]
columns:
  snapshot_date:  {type: DATE, meaning: The day whose end the row describes}
  model:          {type: VARCHAR, meaning: "bgnbd, mbgnbd, pareto_nbd, nbd, gamma_gamma or classifier_…"}
  parameter:      {type: VARCHAR, meaning: Name in the paper}
  estimate:       {type: DOUBLE, meaning: Maximum likelihood estimate}
  standard_error: {type: DOUBLE, nullable: true, min: 0, meaning: "Its standard error by the sandwich estimator, which does not take the customers to be as the model says; null where there is none"}
*/
