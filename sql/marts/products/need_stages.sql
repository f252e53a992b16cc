/*
description: "Where customers stand in sequences of needs that the shop knows, such as the ages of a child, by the rules of need_stages.toml in the home. Nothing is learnt; beside each stage stands how many bought what it names. Empty without rules."
grain: [snapshot_date, customer_id, rule]
owner: team:crm
computed_by: need_stages
reads: [staging.orders, staging.order_lines, staging.products]
columns:
  snapshot_date:      {type: DATE, meaning: The day whose end the row describes}
  customer_id:        {type: VARCHAR, meaning: Customer of the shop}
  rule:               {type: VARCHAR, meaning: Rule of need_stages.toml}
  anchor_on:          {type: DATE, meaning: "Day of the purchase from which the sequence counts: the latest one of an anchor that is more than reset_days after the one before it, and was not sent back"}
  stage:              {type: VARCHAR, meaning: "Stage by the days since the anchor, or the later one to which a purchase belongs"}
  stage_from:         {type: DATE, meaning: First day of the stage by the rule}
  stage_to:           {type: DATE, meaning: First day after it}
  next_stage:         {type: VARCHAR, nullable: true, meaning: The stage after it; null in the last}
  next_from:          {type: DATE, nullable: true, meaning: First day of that by the rule}
  items:              {type: VARCHAR, meaning: "What the rule offers in the stage: its patterns of products and categories"}
  observed_customers: {type: BIGINT, unit: customers, min: 0, meaning: Customers with an anchor for whom the stage is over}
  observed_share:     {type: DOUBLE, unit: share, nullable: true, min: 0, max: 1, meaning: "Share of these who bought one of its items in it, after the anchor; null for fewer than 30"}
tests:
  a_stage_has_days: |
    SELECT customer_id, rule FROM marts.need_stages
    WHERE snapshot_date = $snapshot_date AND (stage_to <= stage_from OR next_from < stage_to)
*/
