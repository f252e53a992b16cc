/*
description: "Every fit of the night, of purchase timing and of spend: on all data up to the snapshot date, and on the data up to each origin that the models are tested from."
grain: [snapshot_date, origin, asked_for]
owner: team:data
computed_by: prediction
reads: [marts.lifecycle_months, staging.occasions, staging.order_lines, staging.orders]
columns:
  snapshot_date:  {type: DATE, meaning: The day whose end the row describes}
  origin:         {type: DATE, meaning: Last day of the data that was fitted}
  asked_for:      {type: VARCHAR, meaning: Model that was asked for}
  model:          {type: VARCHAR, meaning: "Model that came out; nbd where dropout explains nothing"}
  status:         {type: VARCHAR, meaning: "converged, penalised (held by a small penalty), no_dropout (the NBD explains as much), equal_dropout (customers drop out alike: r, alpha and one dropout, mu a week or the odds after a purchase), refused", values: [converged, penalised, no_dropout, equal_dropout, refused]}
  reason:         {type: VARCHAR, nullable: true, meaning: Why a fit was refused}
  log_likelihood: {type: DOUBLE, nullable: true, meaning: "Log-likelihood of all customers, time in weeks, without penalty"}
  aic:            {type: DOUBLE, nullable: true, meaning: Akaike's criterion}
  bic:            {type: DOUBLE, nullable: true, meaning: Bayesian information criterion}
  customers:      {type: BIGINT, unit: customers, min: 0, meaning: "Customers fitted; for spend those with a repeat occasion"}
  groups:         {type: BIGINT, unit: groups, min: 0, meaning: "Groups of equal histories, or of equal frequency and spend, they fall in"}
  iterations:     {type: INTEGER, min: 0, meaning: Iterations of the search that ended lowest}
  start:          {type: INTEGER, min: 0, meaning: Place of its start in the list of starts}
  penalty:        {type: DOUBLE, min: 0, meaning: "Weight of Σ(ln θ)² in the mean negative log-likelihood"}
  binning_error:  {type: DOUBLE, unit: standard errors, nullable: true, min: 0, meaning: "Where spend was fitted in bins of nearly equal spend: distance of the parameters from those of an exact fit; null where nothing was binned"}
*/
