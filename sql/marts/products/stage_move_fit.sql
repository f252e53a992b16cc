/*
description: "What marts.stage_move_products rests on: how many customers made each move and how many did not, how many items were tested, and how many differ; beside it how many would seem to if month and size of the occasions were left out. 0 is a result."
grain: [snapshot_date, move, level]
owner: team:crm
computed_by: stage_moves
reads: [staging.occasions, staging.order_lines, staging.orders, staging.products, marts.lifecycle_stages]
columns:
  snapshot_date: {type: DATE, meaning: The day whose end the row describes}
  move:          {type: VARCHAR, values: [first to active, to defecting, returned], meaning: As in marts.stage_move_products}
  level:         {type: VARCHAR, values: [product, category], meaning: "What an item is: a product or a category"}
  status:        {type: VARCHAR, values: [ok, insufficient_data, not_exported], meaning: "insufficient_data: fewer than 300 occasions or 50 movers; not_exported: no line of the occasions names such an item"}
  occasions:     {type: BIGINT, unit: customers, min: 0, meaning: "Occasions compared, one of each customer"}
  movers:        {type: BIGINT, unit: customers, min: 0, meaning: "Of these, those of customers who moved"}
  items:         {type: BIGINT, unit: items, min: 0, meaning: "Items tested, each on at least 30 of the occasions; 0 without enough data"}
  more:          {type: BIGINT, unit: items, min: 0, meaning: More often bought by who moved}
  less:          {type: BIGINT, unit: items, min: 0, meaning: Less often bought by who moved}
  naive:         {type: BIGINT, unit: items, min: 0, meaning: "Items that would seem to differ if all occasions were compared alike, whatever their month and size: mostly season and big baskets"}
tests:
  every_move_is_told: |
    SELECT count(*) AS told FROM marts.stage_move_fit
    WHERE snapshot_date = $snapshot_date
    HAVING count(*) <> 6
  ever_fewer: |
    SELECT move, level FROM marts.stage_move_fit
    WHERE snapshot_date = $snapshot_date
      AND (movers > occasions OR more + less > items OR naive > items OR (status <> 'ok' AND items > 0))
*/
