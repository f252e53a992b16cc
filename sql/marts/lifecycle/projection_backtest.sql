/*
description: "What a projection of one month was worth: for each month of the last 12 that has 12 months before it, the revenue that those would have told of it, beside what came. Under the limits of the snapshot date; a day is a day, as the season of months long past is not known. Empty with fewer than 390 days of history."
grain: [snapshot_date, months_ago]
owner: team:data
computed_by: lifecycle_projection
reads: [marts.customer_summary, marts.lifecycle_months, marts.lifecycle_value, marts.season_clock]
columns:
  snapshot_date: {type: DATE, meaning: The day whose end the row describes}
  months_ago:    {type: INTEGER, unit: months of 30 days, min: 1, max: 12, meaning: "Which month; 1 is the one that ends on the snapshot date"}
  begins_after:  {type: DATE, meaning: The day from which it would have been projected}
  ends_on:       {type: DATE, meaning: Last day of the month}
  customers:     {type: BIGINT, unit: customers, min: 0, meaning: Customers and leads when it begins}
  projected:     {type: DOUBLE, unit: currency, meaning: Revenue that would have been projected}
  low:           {type: DOUBLE, unit: currency, meaning: Lower end of the 95 % interval}
  high:          {type: DOUBLE, unit: currency, meaning: Upper end of it}
  actual:        {type: DOUBLE, unit: currency, meaning: Revenue that came}
  mean_before:   {type: DOUBLE, unit: currency, meaning: "Naive baseline: mean revenue of the 12 months before"}
  is_inside:     {type: BOOLEAN, meaning: Whether the interval held it}
*/
