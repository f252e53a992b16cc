/*
description: "What all customers together did: which share of their occasions falls into the recent window although nobody changed. Learnt from the same windows a year ago where they hold enough, else from today's. Empty while there is no customer."
grain: [snapshot_date]
owner: team:data
computed_by: trend
reads: [marts.trend_counts]
columns:
  snapshot_date:       {type: DATE, meaning: The day whose end the row describes}
  window_days:         {type: INTEGER, label: "Window, days", unit: days, min: 1, meaning: Length W of each window}
  prior_from:          {type: DATE, meaning: First day of the prior window}
  recent_from:         {type: DATE, meaning: First day of the recent window; it ends on the snapshot date}
  base_customers:      {type: BIGINT, unit: customers, min: 0, meaning: "Customers with a tenure of 2W days or more: those who can be classified"}
  alpha:               {type: DOUBLE, min: 0, max: 1, meaning: "Level of the test: a p-value up to it is a change"}
  share_from:          {type: VARCHAR, nullable: true, values: [a year ago, today], meaning: "Windows the expected share was learnt from; null while their customers bought nothing in them"}
  share_customers:     {type: BIGINT, unit: customers, nullable: true, min: 0, meaning: Customers it was learnt from}
  share_prior:         {type: BIGINT, unit: occasions, nullable: true, min: 0, meaning: Their occasions in the prior window}
  share_recent:        {type: BIGINT, unit: occasions, nullable: true, min: 0, meaning: Their occasions in the recent window}
  expected_share:      {type: DOUBLE, nullable: true, min: 0, max: 1, meaning: "Expected share s of the recent window: share_recent / (share_prior + share_recent)"}
  expected_spend_share: {type: DOUBLE, nullable: true, min: 0, max: 1, meaning: The same share of what their occasions were worth; null without a positive value}
  seasonally_adjusted: {type: BOOLEAN, nullable: true, meaning: "Whether the share is that of a year ago, so that the season of today's windows is taken out; today's base takes out all that its customers have in common"}
  n_min:               {type: INTEGER, unit: occasions, nullable: true, min: 1, meaning: "Least number of occasions with which both a rise and a fall can be told from chance; null where the share is 0 or 1"}
  prior_shape:         {type: DOUBLE, nullable: true, min: 0, meaning: Shape of the gamma distribution of rates in the base; null where it cannot be fitted}
  prior_rate:          {type: DOUBLE, nullable: true, min: 0, meaning: "Its rate; the mean of the rates is shape / rate occasions per window"}
*/
