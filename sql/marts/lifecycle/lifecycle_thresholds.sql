/*
description: "After how many days without a purchase a customer counts as defecting, and as inactive; learnt from how the chance of a purchase falls with silence (Kaplan–Meier), or set. For customers with one occasion and with more apart."
grain: [snapshot_date, customer_kind]
owner: team:crm
computed_by: lifecycle_thresholds
reads: [staging.occasions]
columns:
  snapshot_date:    {type: DATE, meaning: The day whose end the row describes}
  customer_kind:    {type: VARCHAR, values: [one-time, repeat], meaning: "Customers with one occasion, or with more"}
  defecting_days:   {type: BIGINT, unit: days, min: 1, meaning: "Days of silence from which on a customer is defecting: the chance to buy within 90 days is below half of what it is right after a purchase"}
  defecting_status: {type: VARCHAR, values: [learnt, not_reached, set], meaning: "not_reached: the chance does not fall that far as long as enough customers can be watched, and 180 days stand in; not for customers with 6 occasions or more, whose limits are of their own gaps (lifecycle_stages)"}
  defecting_low:    {type: BIGINT, unit: days, nullable: true, min: 1, meaning: "Lower end of the 95 % bootstrap interval of the learnt limit, customers drawn in 256 buckets; null: not reached"}
  defecting_high:   {type: BIGINT, unit: days, nullable: true, min: 1, meaning: "Upper end of it; null: so many draws do not reach the limit that it is open"}
  inactive_days:    {type: BIGINT, unit: days, min: 1, meaning: "Days of silence from which on a customer is inactive: the chance is below a quarter"}
  inactive_status:  {type: VARCHAR, values: [learnt, not_reached, set], meaning: "not_reached: 365 days stand in, or the defecting limit if that is later; for customers with 6 occasions or more their own gaps"}
  inactive_low:     {type: BIGINT, unit: days, nullable: true, min: 1, meaning: "Lower end of its 95 % bootstrap interval; null: not reached"}
  inactive_high:    {type: BIGINT, unit: days, nullable: true, min: 1, meaning: "Upper end of it; null: open"}
  chance_at_0:      {type: DOUBLE, nullable: true, min: 0, max: 1, meaning: "Chance right after a purchase to buy within 90 days; null with fewer than 100 silences watched that long"}
  silences:         {type: BIGINT, unit: silences, min: 0, meaning: "Silences that began in the last 730 days, ended or not"}
  customers:        {type: BIGINT, unit: customers, min: 0, meaning: Customers whose silences they are}
tests:
  defecting_comes_first: |
    SELECT customer_kind, defecting_days, inactive_days FROM marts.lifecycle_thresholds
    WHERE snapshot_date = $snapshot_date AND defecting_days > inactive_days
  both_kinds_have_limits: |
    SELECT count(*) AS kinds FROM marts.lifecycle_thresholds WHERE snapshot_date = $snapshot_date HAVING count(*) <> 2
*/
