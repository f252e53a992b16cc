/*
description: "What goes together: items (products, categories) that are in the same baskets of the last 365 days more often than baskets of these sizes make any two items be (scope basket), and items that customers bought for the first time within 90 days after another more often than all customers do after occasions of the same month and size (scope sequence). Per item the 20 others with the highest lower bound, of pairs seen at least 5 times. What was counted and tested is in marts.product_affinity_fit; where that has insufficient data there are no rows."
grain: [snapshot_date, level, scope, item, other]
owner: team:crm
computed_by: affinity
reads: [staging.order_lines, staging.orders, staging.products]
columns:
  snapshot_date:    {type: DATE, meaning: The day whose end the row describes}
  level:            {type: VARCHAR, values: [product, category], meaning: "What an item is: a product or a category"}
  scope:            {type: VARCHAR, values: [basket, sequence], meaning: "basket: both are in one order; sequence: the other comes later, within 90 days"}
  item:             {type: VARCHAR, meaning: Product or category}
  other:            {type: VARCHAR, meaning: Product or category that goes with it}
  rank:             {type: INTEGER, min: 1, max: 20, meaning: "Place of the other among those of the item, by lift_low; of equals the one that was bought more often in 90 days comes first"}
  baskets:          {type: BIGINT, unit: baskets, nullable: true, min: 5, meaning: "Baskets with both; null of a sequence"}
  customers:        {type: BIGINT, unit: customers, min: 1, meaning: "Customers of these baskets; of a sequence those who bought the other for the first time within 90 days after their first purchase of the item in the last 365 days"}
  support:          {type: DOUBLE, nullable: true, min: 0, max: 1, meaning: "Share of all baskets that has both; null of a sequence"}
  confidence:       {type: DOUBLE, min: 0, max: 1, meaning: "Share of the baskets with the item that has the other too; of a sequence the share of the customers who had not bought the other yet, watched for 90 days"}
  lift_raw:         {type: DOUBLE, nullable: true, min: 0, meaning: "confidence by the share of all baskets that has the other: the textbook's lift. Above 1 for nearly every pair, because big baskets hold everything; it says nothing by itself. Null of a sequence"}
  expected:         {type: DOUBLE, min: 0, meaning: "What chance makes: baskets with both, by the sizes of baskets alone, n_i · n_j · S2 / S1²; of a sequence the customers, if they did like all on occasions of the same month and size"}
  lift:             {type: DOUBLE, min: 0, meaning: "(n + 10) / (expected + 10), n the baskets or, of a sequence, the customers: how many times as often as expected, drawn towards 1 where little was seen"}
  lift_low:         {type: DOUBLE, min: 0, meaning: Lower end of its 90 % interval}
  lift_high:        {type: DOUBLE, min: 0, meaning: Upper end of it}
  q_value:          {type: DOUBLE, min: 0, max: 1, meaning: "Share of false discoveries among all pairs that stand out at least as much (Benjamini and Hochberg, over all pairs of items that could have been seen)"}
  is_complementary: {type: BOOLEAN, meaning: "q_value at most 0.05, lift_low above 1.2, at least 5 customers: they go together, for whatever reason"}
  first_item:       {type: VARCHAR, nullable: true, meaning: "Of a complementary pair of baskets, the one that customers buy first more often than the calendars of both make them: of at least 20 who began with both in different months, two-sided, at most 5 % false discoveries among the complementary pairs of the level; null of all others. What is sold longer is bought first by most, so an even split is not what chance makes"}
tests:
  ends_lie_around_the_lift: |
    SELECT level, item, other FROM marts.product_affinity
    WHERE snapshot_date = $snapshot_date AND (lift_low > lift OR lift > lift_high)
  complements_pass_all_three_rules: |
    SELECT level, item, other FROM marts.product_affinity
    WHERE snapshot_date = $snapshot_date
      AND is_complementary <> (q_value <= 0.05 AND lift_low > 1.2 AND customers >= 5)
  only_complements_of_baskets_have_a_first: |
    SELECT level, scope, item, other FROM marts.product_affinity
    WHERE snapshot_date = $snapshot_date
      AND first_item IS NOT NULL
      AND (first_item NOT IN (item, other) OR scope <> 'basket' OR NOT is_complementary)
  ranks_are_without_gaps: |
    SELECT level, scope, item FROM marts.product_affinity
    WHERE snapshot_date = $snapshot_date
    GROUP BY level, scope, item
    HAVING max(rank) <> count(*) OR count(DISTINCT rank) <> count(*)
*/
