/*
description: "What each product, category, channel and place sold in the last 30, 90 and 365 days, guests included. Products that the list of products calls not recommendable are left out. A query for any day, not a table."
grain: [dimension, item, period_days]
owner: team:data
keep: true
columns:
  dimension:        {type: VARCHAR, values: [product, category, channel, place], meaning: What the item is}
  item:             {type: VARCHAR, meaning: "Product, category, channel or place; unknown where the lines name no channel or place"}
  period_days:      {type: INTEGER, unit: days, values: [30, 90, 365], meaning: Length of the period that ends on the day}
  place_kind:       {type: VARCHAR, nullable: true, meaning: "Of a place: store, region or country"}
  gross:            {type: "DECIMAL(18,2)", unit: currency, meaning: "Sales booked in the period, of orders that are not void"}
  refunds:          {type: "DECIMAL(18,2)", unit: currency, meaning: "Refunds booked in it, negative, of orders that are not void"}
  net:              {type: "DECIMAL(18,2)", unit: currency, meaning: "All sales and refunds booked in it, each on its own day"}
  share_of_net:     {type: DOUBLE, nullable: true, meaning: "Share of the net of all lines of the period, those without the attribute included; null where that is not above 0"}
  orders:           {type: BIGINT, unit: orders, min: 0, meaning: "Orders with a sale, that are not void"}
  buyers:           {type: BIGINT, unit: customers, min: 0, meaning: Customers among those who ordered}
  new_buyers:       {type: BIGINT, unit: customers, min: 0, meaning: "Of these, customers whose first purchase at all lies in the period"}
  pieces:           {type: "DECIMAL(18,3)", unit: pieces, meaning: "Pieces sold, before refunds"}
  mean_price:       {type: DOUBLE, unit: currency, nullable: true, meaning: "Sales per piece, of lines with pieces"}
  margin:           {type: "DECIMAL(18,2)", unit: currency, nullable: true, meaning: "Net less the cost of what was sold and not sent back, of the lines whose cost is known; null where none is"}
  margin_share:     {type: DOUBLE, nullable: true, meaning: "margin as a share of the net of these lines; null where that is not above 0"}
  top_buyer_share:  {type: DOUBLE, nullable: true, meaning: "Share of the sales that went to the one customer who bought most"}
  repeat_watched:   {type: BIGINT, unit: customers, min: 0, meaning: "Buyers of the period whose first purchase of the item in it is at least 180 days old"}
  repeat_rate_180:  {type: DOUBLE, nullable: true, meaning: "Share of these who bought it again, on a later day, within 180 days; null for fewer than 30"}
  repeat_low:       {type: DOUBLE, nullable: true, meaning: Lower end of its 95 % interval (Wilson)}
  repeat_high:      {type: DOUBLE, nullable: true, meaning: Upper end of it}
*/
WITH periods AS (
  SELECT period_days, since FROM (VALUES (30, 1), (90, 2), (365, 3)) AS listed (period_days, since)
),
-- A refund that does not say where the goods were sold was sold where its order was.
silent_refunds AS (
  SELECT order_id
  FROM staging.order_lines
  WHERE kind = 'refund'
    AND (sales_channel IS NULL OR coalesce(store_id, region, country) IS NULL)
    AND ordered_on <= $snapshot_date
    AND date_diff('day', ordered_on, $snapshot_date) < 365
  GROUP BY order_id
),
sold_at AS (
  SELECT
    sales.order_id,
    min(sales.sales_channel) AS sales_channel,
    min(sales.store_id) AS store_id,
    min(sales.region) AS region,
    min(sales.country) AS country
  FROM staging.order_lines AS sales
  JOIN silent_refunds ON silent_refunds.order_id = sales.order_id
  WHERE sales.kind = 'sale'
  GROUP BY sales.order_id
),
placed AS (
  SELECT
    lines.order_id,
    lines.customer_id,
    lines.ordered_on,
    lines.kind,
    lines.product_id,
    lines.category,
    coalesce(lines.sales_channel, sold_at.sales_channel) AS sales_channel,
    CASE WHEN coalesce(lines.store_id, lines.region, lines.country) IS NULL THEN sold_at.store_id ELSE lines.store_id END AS store_id,
    CASE WHEN coalesce(lines.store_id, lines.region, lines.country) IS NULL THEN sold_at.region ELSE lines.region END AS region,
    CASE WHEN coalesce(lines.store_id, lines.region, lines.country) IS NULL THEN sold_at.country ELSE lines.country END AS country,
    lines.quantity,
    lines.amount,
    lines.unit_cost
  FROM staging.order_lines AS lines
  LEFT JOIN sold_at ON sold_at.order_id = lines.order_id AND lines.kind = 'refund'
  WHERE lines.kind IN ('sale', 'refund')
    AND lines.ordered_on <= $snapshot_date
    AND date_diff('day', lines.ordered_on, $snapshot_date) < 365
),
-- The shortest of the periods that a line is in: 1, 2 and 3 are 30, 90 and 365 days.
booked AS MATERIALIZED (
  SELECT
    lines.order_id,
    lines.customer_id,
    lines.ordered_on,
    CASE
      WHEN date_diff('day', lines.ordered_on, $snapshot_date) < 30 THEN 1
      WHEN date_diff('day', lines.ordered_on, $snapshot_date) < 90 THEN 2
      ELSE 3
    END AS since,
    lines.kind,
    lines.product_id,
    coalesce(products.category, lines.category) AS category,
    coalesce(lower(trim(lines.sales_channel)), 'unknown') AS channel,
    coalesce(lines.store_id, lines.region, lines.country, 'unknown') AS place,
    CASE
      WHEN lines.store_id IS NOT NULL THEN 'store'
      WHEN lines.region IS NOT NULL THEN 'region'
      WHEN lines.country IS NOT NULL THEN 'country'
    END AS place_kind,
    lines.quantity,
    lines.amount,
    lines.quantity * coalesce(lines.unit_cost, products.unit_cost) AS cost,
    CASE WHEN void.order_id IS NULL THEN 1 ELSE 0 END AS stands
  FROM placed AS lines
  LEFT JOIN staging.products AS products ON products.product_id = lines.product_id
  LEFT JOIN features.void_orders AS void ON void.order_id = lines.order_id
  WHERE coalesce(products.recommendable, TRUE) = TRUE
),
attributed AS (
  SELECT
    'product' AS dimension, product_id AS item, CAST(NULL AS VARCHAR) AS place_kind, order_id, customer_id, ordered_on,
    since, kind, quantity, amount, cost, stands
  FROM booked
  WHERE product_id IS NOT NULL
  UNION ALL
  SELECT
    'category' AS dimension, category AS item, CAST(NULL AS VARCHAR) AS place_kind, order_id, customer_id, ordered_on,
    since, kind, quantity, amount, cost, stands
  FROM booked
  WHERE category IS NOT NULL
  UNION ALL
  SELECT
    'channel' AS dimension, channel AS item, CAST(NULL AS VARCHAR) AS place_kind, order_id, customer_id, ordered_on,
    since, kind, quantity, amount, cost, stands
  FROM booked
  UNION ALL
  SELECT
    'place' AS dimension, place AS item, place_kind, order_id, customer_id, ordered_on, since, kind, quantity, amount,
    cost, stands
  FROM booked
),
items AS (
  SELECT
    dimension,
    item,
    since,
    max(place_kind) AS place_kind,
    coalesce(sum(amount) FILTER (WHERE kind = 'sale' AND stands = 1), 0) AS gross,
    coalesce(sum(amount) FILTER (WHERE kind = 'refund' AND stands = 1), 0) AS refunds,
    sum(amount) AS net,
    coalesce(sum(quantity) FILTER (WHERE kind = 'sale' AND stands = 1), 0) AS pieces,
    coalesce(sum(amount) FILTER (WHERE kind = 'sale' AND stands = 1 AND quantity > 0), 0) AS priced_sales,
    sum(amount) FILTER (WHERE cost IS NOT NULL) AS costed,
    sum(cost) AS cost
  FROM attributed
  GROUP BY dimension, item, since
),
sums AS (
  SELECT
    items.dimension,
    items.item,
    periods.period_days,
    max(items.place_kind) AS place_kind,
    sum(items.gross) AS gross,
    sum(items.refunds) AS refunds,
    sum(items.net) AS net,
    sum(items.pieces) AS pieces,
    sum(items.priced_sales) AS priced_sales,
    sum(items.costed) AS margin_base,
    sum(items.costed) - sum(items.cost) AS margin
  FROM items
  JOIN periods ON items.since <= periods.since
  GROUP BY items.dimension, items.item, periods.period_days
),
item_orders AS (
  SELECT dimension, item, order_id, min(since) AS since
  FROM attributed
  WHERE stands = 1 AND kind = 'sale'
  GROUP BY dimension, item, order_id
),
orders_since AS (
  SELECT dimension, item, since, count(*) AS orders
  FROM item_orders
  GROUP BY dimension, item, since
),
ordered AS (
  SELECT orders_since.dimension, orders_since.item, periods.period_days, sum(orders_since.orders) AS orders
  FROM orders_since
  JOIN periods ON orders_since.since <= periods.since
  GROUP BY orders_since.dimension, orders_since.item, periods.period_days
),
first_days AS (
  SELECT customer_id, date_diff('day', min(occasion_on), $snapshot_date) AS age_days
  FROM features.standing_occasions
  GROUP BY customer_id
),
buyers AS (
  SELECT
    dimension,
    item,
    customer_id,
    min(since) AS since,
    min(ordered_on) AS first_on,
    max(ordered_on) AS last_on,
    coalesce(sum(amount) FILTER (WHERE since = 1), 0) AS gross_30,
    coalesce(sum(amount) FILTER (WHERE since <= 2), 0) AS gross_90,
    sum(amount) AS gross_365
  FROM attributed
  WHERE kind = 'sale' AND stands = 1 AND customer_id IS NOT NULL
  GROUP BY dimension, item, customer_id
),
counted AS (
  SELECT
    buyers.dimension,
    buyers.item,
    count(*) FILTER (WHERE buyers.since = 1) AS buyers_30,
    count(*) FILTER (WHERE buyers.since <= 2) AS buyers_90,
    count(*) AS buyers_365,
    count(*) FILTER (WHERE buyers.since = 1 AND first_days.age_days < 30) AS new_30,
    count(*) FILTER (WHERE buyers.since <= 2 AND first_days.age_days < 90) AS new_90,
    count(*) FILTER (WHERE first_days.age_days < 365) AS new_365,
    max(buyers.gross_30) FILTER (WHERE buyers.since = 1) AS top_30,
    max(buyers.gross_90) FILTER (WHERE buyers.since <= 2) AS top_90,
    max(buyers.gross_365) AS top_365
  FROM buyers
  LEFT JOIN first_days ON first_days.customer_id = buyers.customer_id
  GROUP BY buyers.dimension, buyers.item
),
bought AS (
  SELECT dimension, item, 30 AS period_days, buyers_30 AS buyers, new_30 AS new_buyers, top_30 AS top_sales FROM counted
  UNION ALL
  SELECT dimension, item, 90 AS period_days, buyers_90 AS buyers, new_90 AS new_buyers, top_90 AS top_sales FROM counted
  UNION ALL
  SELECT dimension, item, 365 AS period_days, buyers_365 AS buyers, new_365 AS new_buyers, top_365 AS top_sales FROM counted
),
-- Whether the item was bought again is told by the last day alone, where that is not too late.
late AS (
  SELECT dimension, item, customer_id, first_on
  FROM buyers
  WHERE date_diff('day', first_on, $snapshot_date) >= 180 AND date_diff('day', first_on, last_on) > 180
),
between_them AS (
  SELECT DISTINCT late.dimension, late.item, late.customer_id
  FROM late
  JOIN attributed AS lines
    ON lines.dimension = late.dimension
    AND lines.item = late.item
    AND lines.customer_id = late.customer_id
    AND lines.ordered_on > late.first_on
  WHERE lines.kind = 'sale' AND lines.stands = 1 AND date_diff('day', late.first_on, lines.ordered_on) <= 180
),
again AS (
  SELECT dimension, item, count(*) AS customers
  FROM between_them
  GROUP BY dimension, item
),
firsts AS (
  SELECT
    dimension,
    item,
    count(*) AS watched,
    count(*) FILTER (WHERE last_on > first_on AND date_diff('day', first_on, last_on) <= 180) AS soon
  FROM buyers
  WHERE date_diff('day', first_on, $snapshot_date) >= 180
  GROUP BY dimension, item
),
watched AS (
  SELECT
    firsts.dimension,
    firsts.item,
    firsts.watched,
    nullif(firsts.watched, 0)::DOUBLE AS n,
    CASE WHEN firsts.watched >= 30 THEN
      (firsts.soon + coalesce(again.customers, 0))::DOUBLE / nullif(firsts.watched, 0)
    END AS share,
    1.959963984540054::DOUBLE * 1.959963984540054::DOUBLE AS z2
  FROM firsts
  LEFT JOIN again ON again.dimension = firsts.dimension AND again.item = firsts.item
),
repeats AS (
  SELECT
    dimension,
    item,
    365 AS period_days,
    watched,
    share,
    (share + z2 / nullif(2 * n, 0)) / nullif(1 + z2 / nullif(n, 0), 0) AS middle,
    sqrt(z2 * (share * (1 - share) / nullif(n, 0) + z2 / nullif(4 * n * n, 0))) / nullif(1 + z2 / nullif(n, 0), 0) AS half
  FROM watched
),
totals AS (
  SELECT periods.period_days, sum(booked.amount) AS net
  FROM booked
  JOIN periods ON booked.since <= periods.since
  GROUP BY periods.period_days
)
SELECT
  sums.dimension,
  sums.item,
  sums.period_days,
  sums.place_kind,
  sums.gross,
  sums.refunds,
  sums.net,
  CASE WHEN totals.net > 0 THEN sums.net::DOUBLE / nullif(totals.net::DOUBLE, 0) END AS share_of_net,
  coalesce(ordered.orders, 0) AS orders,
  coalesce(bought.buyers, 0) AS buyers,
  coalesce(bought.new_buyers, 0) AS new_buyers,
  sums.pieces,
  CASE WHEN sums.pieces > 0 THEN sums.priced_sales::DOUBLE / nullif(sums.pieces::DOUBLE, 0) END AS mean_price,
  sums.margin,
  CASE WHEN sums.margin_base > 0 THEN sums.margin::DOUBLE / nullif(sums.margin_base::DOUBLE, 0) END AS margin_share,
  CASE WHEN sums.gross > 0 THEN bought.top_sales::DOUBLE / nullif(sums.gross::DOUBLE, 0) END AS top_buyer_share,
  coalesce(repeats.watched, 0) AS repeat_watched,
  repeats.share AS repeat_rate_180,
  CASE WHEN repeats.share IS NOT NULL THEN greatest(0.0, repeats.middle - repeats.half) END AS repeat_low,
  CASE WHEN repeats.share IS NOT NULL THEN least(1.0, repeats.middle + repeats.half) END AS repeat_high
FROM sums
JOIN totals ON totals.period_days = sums.period_days
LEFT JOIN ordered
  ON ordered.dimension = sums.dimension AND ordered.item = sums.item AND ordered.period_days = sums.period_days
LEFT JOIN bought ON bought.dimension = sums.dimension AND bought.item = sums.item AND bought.period_days = sums.period_days
LEFT JOIN repeats
  ON repeats.dimension = sums.dimension AND repeats.item = sums.item AND repeats.period_days = sums.period_days
