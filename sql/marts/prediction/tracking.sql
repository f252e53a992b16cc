/*
description: "Repeat occasions of all customers week by week, seen and expected by the published model: fitted up to the origin of its holdout, and running on to the snapshot date."
grain: [snapshot_date, week]
owner: team:data
computed_by: prediction
reads: [marts.lifecycle_months, staging.occasions, staging.order_lines, staging.orders]
columns:
  snapshot_date:       {type: DATE, meaning: The day whose end the row describes}
  week:                {type: INTEGER, min: 1, meaning: Week since the first occasion of the shop}
  week_ends_on:        {type: DATE, meaning: Last day of the week}
  is_holdout:          {type: BOOLEAN, meaning: Whether all of the week lies after the origin}
  model:               {type: VARCHAR, meaning: Model of counts that is published}
  actual:              {type: BIGINT, unit: occasions, min: 0, meaning: Repeat occasions seen in the week}
  expected:            {type: DOUBLE, unit: occasions, min: 0, meaning: Repeat occasions expected in the week}
  actual_cumulative:   {type: BIGINT, unit: occasions, min: 0, meaning: Repeat occasions seen up to the end of the week}
  expected_cumulative: {type: DOUBLE, unit: occasions, min: 0, meaning: Repeat occasions expected up to the end of the week}
*/
