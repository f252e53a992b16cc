/*
description: "Whether the 80 % interval of what a customer will spend held: share of the customers of the holdout of value whose spend lay inside it, by how often they had bought. The interval of the model, and the one that is published, whose ends are moved by as much as it took (conformal correction, one for each class). Empty without a holdout of value."
grain: [snapshot_date, model, frequency_class]
owner: team:data
computed_by: prediction
reads: [marts.lifecycle_months, staging.occasions, staging.order_lines, staging.orders]
columns:
  snapshot_date:        {type: DATE, meaning: The day whose end the row describes}
  model:                {type: VARCHAR, meaning: Timing model of the interval}
  frequency_class:      {type: VARCHAR, meaning: Repeat occasions up to the origin, values: ["0", "1", "2–4", "5–9", 10 or more]}
  place:                {type: INTEGER, min: 1, max: 5, meaning: Order of the classes}
  origin:               {type: DATE, meaning: Last day the models had seen}
  horizon_days:         {type: INTEGER, unit: days, min: 1, meaning: Days after the origin that were judged}
  customers:            {type: BIGINT, unit: customers, min: 0, meaning: Customers of the class}
  customers_of_nothing: {type: BIGINT, unit: customers, min: 0, meaning: "Of them those of whom the model says that they buy nothing with more than 80 %: an interval for them holds more than 80 %, and they are not judged"}
  promised:             {type: DOUBLE, min: 0, max: 1, meaning: "Share that should be inside"}
  coverage_of_model:    {type: DOUBLE, nullable: true, min: 0, max: 1, meaning: "Share of the others inside the interval of the model as it is; null where there are none"}
  coverage:             {type: DOUBLE, nullable: true, min: 0, max: 1, meaning: "Share of them inside the corrected interval. Each fifth of the customers is judged by the corrections that the other fifths ask for"}
  widened_by:           {type: DOUBLE, min: 0, meaning: "The correction of all customers: the upper end + u is multiplied by it and the lower end + u divided by it, u the expected value of one occasion; below 1 the interval gets narrower"}
  is_own:               {type: BOOLEAN, meaning: "Whether the correction is that of the class; of fewer than 200 judged customers it is that of all classes"}
  is_published:         {type: BOOLEAN, meaning: Whether it is the model of counts and value that is published}
*/
