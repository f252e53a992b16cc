/*
description: "What the timing model of the day expects of customers with one purchase history: (frequency, active span, age) is all it knows of a customer, so equal histories share a row. For histories as of the snapshot date and as of 30 days before it, both under the parameters and the clock (season_clock) of the snapshot date. Probabilities agree with each other: a longer horizon is never less likely. Next purchases, and how sure all is (standard error, variance, interval), are told of the snapshot date only."
grain: [snapshot_date, as_of, frequency, active_span_days, age_days]
owner: team:data
computed_by: prediction
reads: [marts.lifecycle_months, staging.occasions, staging.order_lines, staging.orders]
columns:
  snapshot_date:              {type: DATE, meaning: Day whose parameters are used}
  as_of:                      {type: DATE, meaning: Day at whose end the histories stand and from which predictions run}
  frequency:                  {type: BIGINT, unit: occasions, min: 0, meaning: "Repeat occasions: x"}
  active_span_days:           {type: BIGINT, unit: days, min: 0, meaning: "Days from the first to the last occasion: t_x"}
  age_days:                   {type: BIGINT, unit: days, min: 0, meaning: "Days from the first occasion to as_of: T"}
  customers:                  {type: BIGINT, unit: customers, min: 1, meaning: Customers with this history}
  model:                      {type: VARCHAR, meaning: "Model of counts and value, the champion of the holdout", values: [bgnbd, mbgnbd, pareto_nbd, nbd]}
  probability_model:          {type: VARCHAR, meaning: "Timing model of the probabilities of the longest horizon, and of all days between the horizons: the one with the least log loss on the holdout", values: [bgnbd, mbgnbd, pareto_nbd, nbd]}
  p_alive:                    {type: DOUBLE, min: 0, max: 1, meaning: "Probability of not having dropped out; a latent quantity of the model, not the complement of churn"}
  expected_purchases_30d:     {type: DOUBLE, unit: occasions, min: 0, meaning: Expected occasions in the next 30 days}
  expected_purchases_90d:     {type: DOUBLE, unit: occasions, min: 0, meaning: Expected occasions in the next 90 days}
  expected_purchases_180d:    {type: DOUBLE, unit: occasions, min: 0, meaning: Expected occasions in the next 180 days}
  expected_purchases_365d:    {type: DOUBLE, unit: occasions, min: 0, meaning: Expected occasions in the next 365 days}
  expected_purchases_se:      {type: DOUBLE, unit: occasions, nullable: true, min: 0, meaning: "Standard error of the expectation over 365 days, from the uncertainty of the parameters (delta method)"}
  p_purchase_30d:             {type: DOUBLE, min: 0, max: 1, meaning: Probability of at least one occasion in the next 30 days}
  p_purchase_90d:             {type: DOUBLE, min: 0, max: 1, meaning: Probability of at least one occasion in the next 90 days}
  p_purchase_churn:           {type: DOUBLE, min: 0, max: 1, meaning: Probability of at least one occasion within churn_horizon_days}
  churn_horizon_days:         {type: INTEGER, unit: days, min: 1, meaning: "The churn horizon of the snapshot date, as chosen or set (churn_horizons)"}
  p_purchase_180d:            {type: DOUBLE, min: 0, max: 1, meaning: Probability of at least one occasion in the next 180 days}
  p_purchase_365d:            {type: DOUBLE, min: 0, max: 1, meaning: Probability of at least one occasion in the next 365 days}
  next_purchase_early_days:   {type: DOUBLE, unit: days, nullable: true, min: 0, meaning: "Days by which one in ten has bought, of those who buy within 365 days"}
  next_purchase_median_days:  {type: DOUBLE, unit: days, nullable: true, min: 0, meaning: "Days by which half have bought, of those who buy within 365 days"}
  next_purchase_late_days:    {type: DOUBLE, unit: days, nullable: true, min: 0, meaning: "Days by which nine in ten have bought, of those who buy within 365 days"}
  discounted_purchases:       {type: DOUBLE, unit: occasions, min: 0, meaning: "Expected occasions over the CLV horizon, each month discounted"}
  spend_factor:               {type: DOUBLE, min: 0, meaning: "Expected value of one occasion is this times the spend total v + frequency × monetary value"}
  value_variance_0:           {type: DOUBLE, nullable: true, meaning: "Squared relative standard error of the value is variance_0 + variance_1·u + variance_2·u², u = v / (v + frequency × monetary value)"}
  value_variance_1:           {type: DOUBLE, nullable: true, meaning: Its second coefficient}
  value_variance_2:           {type: DOUBLE, nullable: true, meaning: Its third coefficient}
  value_low_factor:           {type: DOUBLE, nullable: true, min: 0, meaning: "Lower end of the 80 % predictive interval of the discounted spend, in units of the spend total, as corrected by its holdout (interval_coverage); that of the model is read off a grid of 160 points, right to about one in a thousand"}
  value_high_factor:          {type: DOUBLE, nullable: true, min: 0, meaning: "Upper end of the same interval"}
*/
