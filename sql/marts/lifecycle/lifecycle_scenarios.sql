/*
description: "What each scenario of the settings would bring beside doing nothing, month by month for 12 months of 30 days. A calculation with assumptions, not a forecast of what a campaign does: how many points it moves is the user's guess."
grain: [snapshot_date, scenario, month]
owner: team:crm
computed_by: lifecycle_projection
reads: [marts.customer_summary, marts.lifecycle_months, marts.lifecycle_value, marts.season_clock]
columns:
  snapshot_date: {type: DATE, meaning: The day whose end the row describes}
  scenario:      {type: VARCHAR, meaning: "do nothing, or a scenario of the settings"}
  month:         {type: INTEGER, unit: months of 30 days, min: 1, max: 12, meaning: Which month}
  from_stage:    {type: VARCHAR, nullable: true, values: [lead, first-time, active, defecting, inactive], meaning: Stage the scenario moves customers from}
  to_stage:      {type: VARCHAR, nullable: true, values: [lead, first-time, active, defecting, inactive], meaning: Stage it moves them to}
  points:        {type: DOUBLE, unit: percentage points, nullable: true, meaning: "Assumed: points more a month; the other shares of the stage give way in proportion"}
  customers:     {type: DOUBLE, unit: customers, min: 0, meaning: "Expected customers and leads at the end of the month, in all stages"}
  revenue:       {type: DOUBLE, unit: currency, meaning: Expected revenue of the month}
  revenue_low:   {type: DOUBLE, unit: currency, meaning: "Lower end of its 95 % interval, from how far each of the last 12 months was from what they have in common"}
  revenue_high:  {type: DOUBLE, unit: currency, meaning: Upper end of it}
  total:         {type: DOUBLE, unit: currency, meaning: "Expected revenue up to the end of the month: of all 12 in the last row"}
  total_low:     {type: DOUBLE, unit: currency, meaning: Lower end of its 95 % interval}
  total_high:    {type: DOUBLE, unit: currency, meaning: Upper end of it}
  last_12_months: {type: DOUBLE, unit: currency, meaning: "Beside the total of 12: booked revenue of customers in the last 12 months of 30 days"}
  gain:          {type: DOUBLE, unit: currency, meaning: "Revenue beyond doing nothing, up to the end of the month; costs are not taken off"}
  gain_low:      {type: DOUBLE, unit: currency, meaning: Lower end of its 95 % interval}
  gain_high:     {type: DOUBLE, unit: currency, meaning: Upper end of it}
  new_customers: {type: DOUBLE, unit: customers, min: 0, meaning: "Assumed: newcomers of a month"}
*/
