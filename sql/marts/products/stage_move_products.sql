/*
description: "What was more or less often bought by customers who moved from one stage to another than by those who did not, on one occasion of each, compared inside strata: calendar month × third by the number of different items. It says who bought it, never that the move came of it. Few rows differ, often none, and that is a result (marts.stage_move_fit)."
grain: [snapshot_date, move, level, item]
owner: team:crm
computed_by: stage_moves
reads: [staging.occasions, staging.order_lines, staging.orders, staging.products, marts.lifecycle_stages]
columns:
  snapshot_date: {type: DATE, meaning: The day whose end the row describes}
  move:          {type: VARCHAR, values: [first to active, to defecting, returned], meaning: "first to active: on the first occasion, where the second came within 90 days, against others. to defecting: on the last occasion before a silence as long as the customer's defecting limit, against later occasions than the first that no such silence followed. returned: on the first occasion after such a silence, against later occasions than the first without one before them"}
  level:         {type: VARCHAR, values: [product, category], meaning: "What an item is: a product or a category"}
  item:          {type: VARCHAR, meaning: "Product or category, on at least 30 of the occasions"}
  occasions:     {type: BIGINT, unit: customers, min: 30, meaning: "Customers who bought it on the occasion that counts, one of each"}
  movers:        {type: BIGINT, unit: customers, min: 0, meaning: "Of these, customers who moved"}
  expected:      {type: DOUBLE, unit: customers, min: 0, meaning: "How many would have moved, had the item been dealt by lot to the occasions of its strata"}
  ratio:         {type: DOUBLE, nullable: true, min: 0, meaning: "movers / expected; null where nobody of its strata moved"}
  z:             {type: DOUBLE, nullable: true, meaning: "movers − expected in standard errors (Mantel–Haenszel); null where nothing can differ, since all of a stratum moved, or none"}
  q_value:       {type: DOUBLE, min: 0, max: 1, meaning: "Share of false findings among rows up to this one (Benjamini and Hochberg), over all items of the move and level; both signs are tested"}
  direction:     {type: VARCHAR, values: [more, less, no difference], meaning: "more, less: q_value of at most 0.05, bought more or less often by who moved"}
tests:
  only_what_passes_differs: |
    SELECT move, level, item FROM marts.stage_move_products
    WHERE snapshot_date = $snapshot_date
      AND (movers > occasions OR (direction = 'no difference') <> (q_value > 0.05)
        OR (direction = 'more' AND z <= 0) OR (direction = 'less' AND z >= 0))
  only_moves_with_data: |
    SELECT items.move, items.level FROM marts.stage_move_products AS items
    LEFT JOIN marts.stage_move_fit AS fit
      ON fit.snapshot_date = $snapshot_date AND fit.move = items.move AND fit.level = items.level AND fit.status = 'ok'
    WHERE items.snapshot_date = $snapshot_date AND fit.status IS NULL
*/
