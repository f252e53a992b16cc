/*
description: "What sets a taste group apart: items that more of its customers bought than expected of as many purchases of all customers. Per group the 30 with the highest lower bound."
grain: [snapshot_date, group_no, item]
owner: team:crm
computed_by: taste
reads: [staging.order_lines, staging.orders, marts.taste_groups, staging.products]
columns:
  snapshot_date: {type: DATE, meaning: The day whose end the row describes}
  group_no:      {type: INTEGER, min: 1, meaning: Number of the group}
  item:          {type: VARCHAR, meaning: "Product or category, as level of marts.taste_groups tells"}
  rank:          {type: INTEGER, min: 1, max: 30, meaning: "Place in the group, by low"}
  customers:     {type: BIGINT, unit: customers, min: 1, meaning: Customers of the group who bought it in the last 365 days}
  expected:      {type: DOUBLE, min: 0, meaning: "All customers who bought it, times the group's share of all pairs of a customer and an item: who buys much is not a taste"}
  ratio:         {type: DOUBLE, min: 0, meaning: "(customers + 10) / (expected + 10)"}
  low:           {type: DOUBLE, min: 0, meaning: Lower end of its 90 % interval}
  q_value:       {type: DOUBLE, min: 0, max: 0.05, meaning: "Share of false discoveries among all that stand out at least as much, over all groups and items"}
tests:
  more_than_expected: |
    SELECT group_no, item FROM marts.taste_group_items
    WHERE snapshot_date = $snapshot_date AND (customers <= expected OR low > ratio)
*/
