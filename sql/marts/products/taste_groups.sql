/*
description: "The group of customers with like purchases that a customer belongs to: the part of what all buy that explains most of what the customer bought in the last 365 days. Empty where marts.taste_group_fit finds no stable groups. History: numbers follow those of the earlier snapshot that each row names, by most common customers."
grain: [snapshot_date, customer_id]
owner: team:crm
computed_by: taste
reads: [staging.order_lines, staging.orders, marts.taste_groups, staging.products]
columns:
  snapshot_date:          {type: DATE, meaning: The day whose end the row describes}
  customer_id:            {type: VARCHAR, meaning: Customer of the shop}
  level:                  {type: VARCHAR, values: [product, category], meaning: What tastes are made of}
  group_no:               {type: INTEGER, min: 1, meaning: "Number of the group, the same from day to day"}
  share:                  {type: DOUBLE, min: 0, max: 1, meaning: Share of what the customer bought that the group explains}
  second_group:           {type: INTEGER, min: 1, meaning: Group that explains most of the rest}
  second_share:           {type: DOUBLE, min: 0, max: 1, meaning: Its share}
  previous_snapshot_date: {type: DATE, nullable: true, meaning: Earlier snapshot whose numbers are followed; null if there was none of this level}
tests:
  the_group_explains_most: |
    SELECT group_no, second_group FROM marts.taste_groups
    WHERE snapshot_date = $snapshot_date AND (second_share > share OR group_no = second_group)
*/
