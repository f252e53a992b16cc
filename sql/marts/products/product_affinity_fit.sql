/*
description: "What the affinities of a day rest on: how many baskets and items were counted, how much of the raw lift basket sizes alone explain, how many pairs were tested and how many stand out. 0 is a result."
grain: [snapshot_date, level, scope]
owner: team:data
computed_by: affinity
reads: [staging.order_lines, staging.orders, staging.products]
columns:
  snapshot_date: {type: DATE, meaning: The day whose end the row describes}
  level:         {type: VARCHAR, values: [product, category], meaning: "What an item is: a product or a category"}
  scope:         {type: VARCHAR, values: [basket, sequence], meaning: As in marts.product_affinity}
  status:        {type: VARCHAR, values: [ok, not_exported, insufficient_data], meaning: "not_exported: no line names such an item; insufficient_data: fewer than two items were bought often enough"}
  counted:       {type: BIGINT, min: 0, meaning: "Baskets of the last 365 days with such an item, not above the limit of size; of sequences occasions (days of a customer) of them that are at least 90 days old"}
  left_out:      {type: BIGINT, min: 0, meaning: "Baskets, of sequences customers, of more different items than the limit"}
  size_limit:    {type: BIGINT, nullable: true, unit: items, min: 2, meaning: "Most different items of a basket that is counted: the setting affinity.largest_basket, or 50, 30 or 20 where the baskets would hold more than 300 million pairs. Of sequences of a customer: 300, or 150, 100 or 60 where customers would hold more than 100 million pairs. Null where nothing is exported"}
  share_drawn:   {type: DOUBLE, nullable: true, min: 0, max: 1, meaning: "Of sequences, the share of the customers below the limit that is counted: 1, or a half, quarter, eighth or sixteenth, drawn by the MD5 of their ids, where all hold more than 25 million pairs of items; null of baskets, and where nothing is exported"}
  size_sum:      {type: BIGINT, nullable: true, unit: items, min: 0, meaning: "S1: different items of the baskets counted, added up; null of sequences"}
  size_pairs:    {type: BIGINT, nullable: true, unit: pairs, min: 0, meaning: "S2: ordered pairs of items in the baskets counted, added up; null of sequences"}
  size_factor:   {type: DOUBLE, nullable: true, min: 0, meaning: "Raw lift of a pair that only chance brings together: counted · S2 / S1²; null without baskets, and of sequences"}
  items:         {type: BIGINT, unit: items, min: 0, meaning: "Items that may form pairs: in at least 20 of the baskets, of at least 10 customers; of sequences bought by at least 100 customers"}
  tests:         {type: BIGINT, unit: pairs, min: 0, meaning: "Pairs that these items could form (of sequences twice as many: either may come first), all of which the q-values reckon with"}
  pairs:         {type: BIGINT, unit: pairs, min: 0, meaning: "Pairs with at least 5 baskets, of sequences customers"}
  significant:   {type: BIGINT, unit: pairs, min: 0, meaning: "Of these, pairs with a q-value of at most 0.05"}
  complementary: {type: BIGINT, unit: pairs, min: 0, meaning: "Of these, pairs with lift_low above 1.2 and at least 5 customers"}
tests:
  ever_fewer: |
    SELECT level, scope FROM marts.product_affinity_fit
    WHERE snapshot_date = $snapshot_date AND (complementary > significant OR significant > pairs OR pairs > tests)
  both_levels_are_told: |
    SELECT count(*) AS told FROM marts.product_affinity_fit
    WHERE snapshot_date = $snapshot_date
    HAVING count(*) <> 4
*/
