/*
description: "Customers and revenue expected in each stage of the lifecycle over the next 12 months of 30 days, if nothing changes and under each scenario of the settings: the moves of the last 12 months of 30 days, in which every season has its part, repeated month by month (Markov chain); the season of the months to come is that of season_clock. Empty with fewer than 390 days of history, or after a month that was unlike the year (by season_clock) and unlike the same month a year ago."
grain: [snapshot_date, scenario, month, stage]
owner: team:crm
computed_by: lifecycle_projection
reads: [marts.customer_summary, marts.lifecycle_months, marts.lifecycle_value, marts.season_clock]
columns:
  snapshot_date:            {type: DATE, meaning: The day whose end the row describes}
  scenario:                 {type: VARCHAR, meaning: "do nothing, or a scenario of the settings (lifecycle_scenarios says what it changes)"}
  month:                    {type: INTEGER, unit: months of 30 days, min: 0, max: 12, meaning: "End of which month; 0 is the snapshot date"}
  stage:                    {type: VARCHAR, values: [lead, first-time, active, defecting, inactive], meaning: Stage then}
  customers:                {type: DOUBLE, unit: customers, min: 0, meaning: Expected customers}
  customers_low:            {type: DOUBLE, unit: customers, min: 0, meaning: "Lower end of the 95 % interval, from how far each of the last 12 months was from what they have in common"}
  customers_high:           {type: DOUBLE, unit: customers, min: 0, meaning: Upper end of it}
  revenue:                  {type: DOUBLE, unit: currency, nullable: true, meaning: "Expected revenue of the month from who is in the stage when it begins and from who is new and ends in it; null for month 0"}
  new_customers:            {type: DOUBLE, unit: customers, min: 0, meaning: "Assumed: newcomers of a month who end it in the stage, the mean of the last 12 months; 0 if lifecycle.new_customers is none"}
  revenue_per_customer:     {type: DOUBLE, unit: currency, meaning: "Assumed: revenue of a usual month per customer in the stage when it begins, as in the last 12; 0 where nobody was"}
  revenue_per_new_customer: {type: DOUBLE, unit: currency, meaning: "Assumed: revenue of a usual month per newcomer who ends it in the stage, as in the last 12; 0 where nobody did"}
  from_customers:           {type: BIGINT, unit: customers, min: 0, meaning: "Moves out of the stage that were seen, one of each customer and month; with none it keeps its customers"}
tests:
  nobody_is_lost: |
    SELECT month, scenario, sum(customers) AS customers
    FROM marts.lifecycle_projection
    WHERE snapshot_date = $snapshot_date
    GROUP BY month, scenario
    HAVING abs(sum(customers) - month * sum(new_customers) - (
      SELECT count(*) FROM marts.lifecycle_stages AS stages WHERE stages.snapshot_date = $snapshot_date
    )) > 0.0001 * (1 + sum(customers))
*/
