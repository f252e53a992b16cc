/*
description: "What each sales channel sold in the last 30, 90 and 365 days, ranked by net. Guests included; what the list of products calls not recommendable, left out. Lines without a channel are unknown: not recorded is no channel."
grain: [snapshot_date, channel, period_days]
owner: team:crm
columns:
  snapshot_date:   {type: DATE, meaning: The day whose end the row describes}
  channel:         {type: VARCHAR, meaning: "Where it was sold, in lower case (web, app, store, marketplace …), or unknown"}
  period_days:     {type: INTEGER, unit: days, values: [30, 90, 365], meaning: Length of the period that ends on the snapshot date}
  net_rank:        {type: BIGINT, unit: rank, min: 1, meaning: "1 = the highest net of the period; of equal ones, the lower name first"}
  gross:           {type: "DECIMAL(18,2)", unit: currency, meaning: "Sales booked in the period, of orders that are not void"}
  refunds:         {type: "DECIMAL(18,2)", unit: currency, meaning: "Refunds booked in it, negative, of orders that are not void"}
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
  repeat_watched:  {type: BIGINT, unit: customers, min: 0, meaning: "Buyers whose first purchase through the channel in the period is at least 180 days old; 0 in periods that are shorter"}
  repeat_rate_180: {type: DOUBLE, unit: share, nullable: true, min: 0, max: 1, meaning: "Share of these who bought through it again, on a later day, within 180 days; null for fewer than 30"}
  repeat_low:      {type: DOUBLE, unit: share, nullable: true, min: 0, max: 1, meaning: Lower end of its 95 % interval (Wilson)}
  repeat_high:     {type: DOUBLE, unit: share, nullable: true, min: 0, max: 1, meaning: Upper end of it}
tests:
  shares_add_up: |
    SELECT period_days, sum(net) AS net, sum(share_of_net) AS share
    FROM marts.channel_performance
    WHERE snapshot_date = $snapshot_date
    GROUP BY period_days
    HAVING abs(sum(share_of_net) - 1) > 0.000001
*/
SELECT
  $snapshot_date AS snapshot_date,
  item AS channel,
  period_days,
  row_number() OVER (PARTITION BY period_days ORDER BY net DESC, item) AS net_rank,
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
WHERE dimension = 'channel'
