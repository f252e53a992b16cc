/*
description: "How much the shop's rate of a category weighs beside a customer's own purchases of it, in occasions: each weight on trial, by what customers bought on their first occasion after an earlier day. Probabilities are kept between 0.0001 and 0.9999 there, so that one surprise does not decide. The weights have no loss where there is not enough to try them on."
grain: [snapshot_date, prior_weight]
owner: team:data
computed_by: next_categories
reads: [staging.order_lines, staging.orders, staging.products]
columns:
  snapshot_date:    {type: DATE, meaning: The day whose end the row describes}
  prior_weight:     {type: INTEGER, unit: occasions, values: [1, 2, 3, 5, 7, 10, 15, 20, 30], meaning: "Occasions that the shop's rate counts for"}
  is_chosen:        {type: BOOLEAN, meaning: "The weight with the least log loss, the larger of equals"}
  log_loss:         {type: DOUBLE, nullable: true, min: 0, meaning: "Of all categories, a customer's mean, on the first occasion after the origin; null without enough data"}
  log_loss_naive:   {type: DOUBLE, nullable: true, min: 0, meaning: "The same if everybody gets the shop's rate of each category"}
  origin:           {type: DATE, meaning: "Last day that was known: 30 days before the snapshot date, or 60, 90, 120 until enough customers have bought since"}
  customers:        {type: BIGINT, unit: customers, min: 0, meaning: "Customers who had bought by the origin and have bought since"}
  categories:       {type: BIGINT, unit: categories, min: 0, meaning: Categories of the lines of the last 365 days}
  share_without_category: {type: DOUBLE, nullable: true, min: 0, max: 1, meaning: "Share of the lines of the last 365 days that name no category; null without lines"}
  status:           {type: VARCHAR, values: [ok, insufficient_data, not_better_than_naive], meaning: "insufficient_data: fewer than 200 customers or 5 categories, or 30 % of the lines without one; not_better_than_naive: the chosen weight has no less log loss than the shop's rate, which is published instead"}
tests:
  one_weight_is_chosen_or_none: |
    SELECT status, count(*) FILTER (WHERE is_chosen) AS chosen, count(log_loss) AS tried
    FROM marts.next_category_fit
    WHERE snapshot_date = $snapshot_date
    GROUP BY status
    HAVING count(*) <> 9
      OR (status = 'insufficient_data') <> (count(*) FILTER (WHERE is_chosen) = 0)
      OR (status = 'insufficient_data') <> (count(log_loss) = 0)
      OR count(*) FILTER (WHERE is_chosen) > 1
  no_other_weight_is_better: |
    SELECT tried.prior_weight
    FROM marts.next_category_fit AS tried
    JOIN marts.next_category_fit AS chosen ON chosen.snapshot_date = tried.snapshot_date AND chosen.is_chosen
    WHERE tried.snapshot_date = $snapshot_date AND tried.log_loss < chosen.log_loss
*/
