/*
title: In a stage of a need
description: "Customers in each stage of the rules of need_stages.toml, with the days it lasts by the rule and what it offers. One audience for each stage that has customers, whatever their number. days_in_stage is small for those who have just entered it."
owner: team:crm
catalogue: need
each: file_name
values: |
  SELECT file_name FROM marts.audience_values
  WHERE snapshot_date = $snapshot_date AND is_published AND dimension = 'need'
columns:
  customer_id:   {type: VARCHAR, meaning: Customer of the shop}
  rule:          {type: VARCHAR, meaning: Rule of need_stages.toml}
  stage:         {type: VARCHAR, meaning: Stage the customer is in}
  days_in_stage: {type: BIGINT, unit: days, nullable: true, min: 0, meaning: "Days since it was entered by the rule; null for who was moved to it early, by a purchase"}
  stage_from:    {type: DATE, meaning: First day of the stage by the rule}
  stage_to:      {type: DATE, meaning: First day after it}
  next_stage:    {type: VARCHAR, nullable: true, meaning: The stage after it; null in the last}
  next_from:     {type: DATE, nullable: true, meaning: First day of that}
  items:         {type: VARCHAR, meaning: What the rule offers in the stage}
*/
SELECT
  listed.file_name,
  needs.customer_id,
  needs.rule,
  needs.stage,
  CASE WHEN needs.stage_from <= $snapshot_date THEN date_diff('day', needs.stage_from, $snapshot_date) END AS days_in_stage,
  needs.stage_from,
  needs.stage_to,
  needs.next_stage,
  needs.next_from,
  needs.items
FROM marts.need_stages AS needs
JOIN marts.audience_values AS listed
  ON listed.snapshot_date = needs.snapshot_date AND listed.dimension = 'need'
  AND listed.attribute = needs.rule || ': ' || needs.stage
WHERE needs.snapshot_date = $snapshot_date AND listed.is_published
