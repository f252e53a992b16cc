/*
description: "Occasions expected and seen on the holdout, by how many repeat occasions a customer had before it."
grain: [snapshot_date, model, frequency]
owner: team:data
computed_by: prediction
reads: [marts.lifecycle_months, staging.occasions, staging.order_lines, staging.orders]
columns:
  snapshot_date: {type: DATE, meaning: The day whose end the row describes}
  model:         {type: VARCHAR, meaning: Model or baseline}
  frequency:     {type: INTEGER, min: 0, max: 7, meaning: "Repeat occasions up to the origin; 7 stands for 7 and more"}
  customers:     {type: BIGINT, unit: customers, min: 0, meaning: Customers with that many}
  expected:      {type: DOUBLE, unit: occasions, min: 0, meaning: Mean number of occasions expected}
  observed:      {type: DOUBLE, unit: occasions, min: 0, meaning: Mean number of occasions seen}
*/
