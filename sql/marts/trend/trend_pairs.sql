/*
description: "The exact test for every pair of counts that occurs: computed once per pair, and joined to the customers. Only pairs with enough occasions to be classified."
grain: [snapshot_date, prior_occasions, recent_occasions]
owner: team:data
computed_by: trend
reads: [marts.trend_counts]
columns:
  snapshot_date:    {type: DATE, meaning: The day whose end the row describes}
  prior_occasions:  {type: BIGINT, unit: occasions, min: 0, meaning: Occasions in the prior window (k1)}
  recent_occasions: {type: BIGINT, unit: occasions, min: 0, meaning: Occasions in the recent window (k2)}
  customers:        {type: BIGINT, unit: customers, min: 1, meaning: Customers with this pair}
  activity_trend:   {type: VARCHAR, values: [growing, declining, stable], meaning: "growing or declining where mid_p is at most alpha and the rate ratio is beyond 1.25 or below 0.8; else stable"}
  mid_p:            {type: DOUBLE, min: 0, max: 1, meaning: "Two-sided mid-p value of k2 among k1 + k2 with the expected share"}
  rate_ratio:       {type: DOUBLE, nullable: true, min: 0, meaning: "Recent over prior rate beside that of the base: (k2 / s) / (k1 / (1 − s)); null where k1 is 0"}
  shrunken_ratio:   {type: DOUBLE, nullable: true, min: 0, meaning: Ratio of the rates expected after these counts with the base's distribution of rates; null where that cannot be fitted}
  p_growth:         {type: DOUBLE, nullable: true, min: 0, max: 1, meaning: "Probability, after these counts, that the recent rate is the higher one"}
  chance_growing:   {type: DOUBLE, min: 0, max: 1, meaning: Probability that a customer with as many occasions and no change is called growing (size of the test)}
  chance_declining: {type: DOUBLE, min: 0, max: 1, meaning: Probability that a customer with as many occasions and no change is called declining}
*/
