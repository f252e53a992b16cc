/*
description: "How good the lists of marts.recommendations would have been: made on an earlier day as they are made now, beside naive ones, and held against what customers bought on their first occasion after it. A list that is surely worse than its best naive one gives way to it. Repeat lists are judged by the products that were bought again, the lists of new ones by those bought for the first time (up_sell: of these, by those one price band higher than one of the same category bought in the 180 days before, and at most twice as dear), each over the customers who bought such."
grain: [snapshot_date, list, method, metric]
owner: team:data
computed_by: recommendations
reads: [staging.order_lines, staging.orders, staging.products]
columns:
  snapshot_date: {type: DATE, meaning: The day whose end the row describes}
  list:          {type: VARCHAR, values: [repeat, cross_sell, up_sell], meaning: "repeat: bought before; cross_sell: never bought; up_sell: never bought, one price band higher than what was"}
  method:        {type: VARCHAR, values: [personal_frequency, last_occasion_again, similar_customers, upgrades, popular_90d, popular_30d], meaning: "How the list is ranked: the customer's own occasions; the last occasion again; what customers with the same products buy; what buyers of the customer's products went on to buy one price band higher; what was bought most in 90 or 30 days, in up_sell of what may stand in it"}
  metric:        {type: VARCHAR, values: [recall_10, ndcg_10, hit_rate_10, recall_10_difference], meaning: "recall_10: share of what was bought that the first ten named; ndcg_10: the same, early places counting more, 1 is the best order of ten; hit_rate_10: share of customers with at least one named; recall_10_difference: that of our method less that of the best naive one"}
  is_naive:      {type: BOOLEAN, meaning: Whether the method is one of those to beat}
  is_published:  {type: BOOLEAN, meaning: Whether marts.recommendations has the list made by this method}
  value:         {type: DOUBLE, nullable: true, min: -1, max: 1, meaning: Mean of the customers; null without enough}
  low:           {type: DOUBLE, nullable: true, min: -1, max: 1, meaning: "Lower end of its 95 % interval, bootstrapped over 256 groups of customers"}
  high:          {type: DOUBLE, nullable: true, min: -1, max: 1, meaning: Upper end of it}
  origin:        {type: DATE, meaning: "Day at whose end the lists were made: 30 days before the snapshot date, or 60, 90, 120 until enough customers have bought since"}
  customers:     {type: BIGINT, unit: customers, min: 0, meaning: "Customers who bought products of the list's kind on their first occasion after it (of a sample of about 5,000 who bought since)"}
  status:        {type: VARCHAR, values: [ok, insufficient_data, not_better_than_naive], meaning: "insufficient_data: fewer than 200 customers, so a naive list is published; not_better_than_naive: the interval of the difference lies below 0, so the best naive list is"}
tests:
  one_method_of_a_list_is_published: |
    SELECT list, count(DISTINCT method) AS methods
    FROM marts.recommendation_validation
    WHERE snapshot_date = $snapshot_date AND is_published
    GROUP BY list
    HAVING count(DISTINCT method) <> 1
  only_what_was_judged_has_values: |
    SELECT list, method, metric FROM marts.recommendation_validation
    WHERE snapshot_date = $snapshot_date AND (low > high OR (value IS NULL) <> (status = 'insufficient_data'))
*/
