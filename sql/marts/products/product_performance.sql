/*
description: "What each product and category sold in the last 30, 90 and 365 days, ranked by net: gross sales would rank an order first that was sent back. Guests included; lines without product or category, and what the list of products calls not recommendable, left out."
grain: [snapshot_date, level, item, period_days]
owner: team:crm
columns:
  snapshot_date:   {type: DATE, meaning: The day whose end the row describes}
  level:           {type: VARCHAR, values: [product, category], meaning: What the item is}
  item:            {type: VARCHAR, meaning: Product or category}
  period_days:     {type: INTEGER, unit: days, values: [30, 90, 365], meaning: Length of the period that ends on the snapshot date}
  net_rank:        {type: BIGINT, unit: rank, min: 1, meaning: "1 = the highest net of the level and period; of equal ones, the lower name first"}
  gross:           {type: "DECIMAL(18,2)", unit: currency, meaning: "Sales booked in the period, of orders that are not void"}
  refunds:         {type: "DECIMAL(18,2)", unit: currency, meaning: "Refunds booked in it, negative, of orders that are not void; those that name no product are in no row"}
  net:             {type: "DECIMAL(18,2)", unit: currency, meaning: "All sales and refunds booked in it, guests included, each on its own day"}
  share_of_net:    {type: DOUBLE, unit: share, nullable: true, meaning: "Share of the net of all lines of the period; null where that is not above 0"}
  orders:          {type: BIGINT, unit: orders, min: 0, meaning: "Orders with a sale, guests included, that are not void"}
  buyers:          {type: BIGINT, unit: customers, min: 0, meaning: Customers among those who ordered}
  new_buyers:      {type: BIGINT, unit: customers, min: 0, meaning: "Of these, customers whose first purchase at all lies in the period"}
  pieces:          {type: "DECIMAL(18,3)", unit: pieces, meaning: "Pieces sold, before refunds"}
  mean_price:      {type: DOUBLE, unit: currency, nullable: true, meaning: Sales per piece}
  margin:          {type: "DECIMAL(18,2)", unit: currency, nullable: true, meaning: "Net less the cost of what was sold and not sent back, of the lines whose cost is known (theirs, else the list's); null where none is"}
  margin_share:    {type: DOUBLE, unit: share, nullable: true, meaning: margin as a share of the net of these lines; null where that is not above 0}
  top_buyer_share: {type: DOUBLE, unit: share, nullable: true, meaning: "Share of gross that went to the one customer who bought most: near 1, the rest of the row tells of one buyer"}
  repeat_watched:  {type: BIGINT, unit: customers, min: 0, meaning: "Buyers whose first purchase of the item in the period is at least 180 days old; 0 in periods that are shorter"}
  repeat_rate_180: {type: DOUBLE, unit: share, nullable: true, min: 0, max: 1, meaning: "Share of these who bought it again, on a later day, within 180 days; null for fewer than 30"}
  repeat_low:      {type: DOUBLE, unit: share, nullable: true, min: 0, max: 1, meaning: Lower end of its 95 % interval (Wilson)}
  repeat_high:     {type: DOUBLE, unit: share, nullable: true, min: 0, max: 1, meaning: Upper end of it}
tests:
  no_more_than_all_of_it: |
    SELECT level, item, period_days FROM marts.product_performance
    WHERE snapshot_date = $snapshot_date AND (new_buyers > buyers OR repeat_watched > buyers OR buyers > orders)
  a_longer_period_holds_the_shorter: |
    SELECT longer.item FROM marts.product_performance AS longer
    JOIN marts.product_performance AS shorter
      ON shorter.level = longer.level AND shorter.item = longer.item AND shorter.snapshot_date = longer.snapshot_date
      AND shorter.period_days = 30 AND longer.period_days = 365
    WHERE longer.snapshot_date = $snapshot_date AND (longer.gross < shorter.gross OR longer.orders < shorter.orders)
*/
SELECT
  $snapshot_date AS snapshot_date,
  dimension AS level,
  item,
  period_days,
  row_number() OVER (PARTITION BY dimension, period_days ORDER BY net DESC, item) AS net_rank,
  gross,
  refunds,
  net,
  share_of_net,
  orders,
  buyers,
  new_buyers,
  pieces,
  mean_price,
  margin,
  margin_share,
  top_buyer_share,
  repeat_watched,
  repeat_rate_180,
  repeat_low,
  repeat_high
FROM features.performance
WHERE dimension IN ('product', 'category')
