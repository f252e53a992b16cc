/*
description: "The marketing channel of each order that stands, as the shop recorded where it came from: the last step before it, not what caused it. Where the lines of an order disagree, the one with the largest amount decides, of equal ones the least line id."
grain: [snapshot_date, order_id]
owner: team:crm
columns:
  snapshot_date: {type: DATE, meaning: The day whose end the row describes}
  order_id:      {type: VARCHAR, meaning: Order of the shop}
  ordered_on:    {type: DATE, meaning: Local day of the order}
  channel:
    type: VARCHAR
    values: [store, marketplace, unknown, direct, email, sms, push, paid_search, paid_social, paid_video, paid_shopping, paid_other, display, organic_search, organic_social, organic_video, organic_shopping, affiliate, referral, audio, other]
    meaning: "Marketing channel by source and medium (the rules of Google Analytics 4, messages first). unknown: neither was recorded, which is not direct"
  campaign_id:   {type: VARCHAR, nullable: true, meaning: "Campaign that the shop ascribes the order to, by the same line"}
  has_several:   {type: BOOLEAN, meaning: "Whether its lines disagree about where the order came from"}
  order_value:   {type: "DECIMAL(18,2)", unit: currency, meaning: "Its sales and charges, before refunds"}
  revenue:       {type: "DECIMAL(18,2)", unit: currency, meaning: "The same less what was paid back for it by the snapshot date"}
tests:
  every_order_that_stands_has_a_channel: |
    SELECT standing.orders, channels.orders AS with_channel
    FROM (SELECT coalesce(sum(orders), 0) AS orders FROM staging.orders WHERE known_on <= $snapshot_date) AS standing
    CROSS JOIN (SELECT count(*) AS orders FROM marts.order_channels WHERE snapshot_date = $snapshot_date) AS channels
    WHERE standing.orders <> channels.orders
*/
WITH lines AS (
  SELECT
    order_id,
    coalesce(source, '') AS source,
    coalesce(medium, '') AS medium,
    coalesce(sales_channel, '') AS sales_channel,
    coalesce(campaign_id, '') AS campaign_id,
    amount,
    line_id,
    file_id,
    row_number
  FROM staging.order_lines
  WHERE kind = 'sale' AND ordered_on <= $snapshot_date
),
-- Where lines say that they came from: few different things, that are told apart by a number instead of four texts.
named AS (
  SELECT source, medium, sales_channel, campaign_id
  FROM lines
  GROUP BY source, medium, sales_channel, campaign_id
),
numbered AS (
  SELECT
    named.source,
    named.medium,
    named.sales_channel,
    named.campaign_id,
    origins.channel,
    row_number() OVER (ORDER BY named.source, named.medium, named.sales_channel, named.campaign_id) AS origin
  FROM named
  JOIN features.origins AS origins
    ON origins.source = lower(trim(named.source))
    AND origins.medium = lower(trim(named.medium))
    AND origins.sales_channel = lower(trim(named.sales_channel))
),
lines_by_origin AS (
  SELECT lines.order_id, numbered.origin, lines.amount, lines.line_id, lines.file_id, lines.row_number
  FROM lines
  JOIN numbered
    ON numbered.source = lines.source
    AND numbered.medium = lines.medium
    AND numbered.sales_channel = lines.sales_channel
    AND numbered.campaign_id = lines.campaign_id
),
spans AS (
  SELECT order_id, min(origin) AS origin, CASE WHEN min(origin) < max(origin) THEN 1 ELSE 0 END AS has_several
  FROM lines_by_origin
  GROUP BY order_id
),
ranked AS (
  SELECT
    lines.order_id,
    lines.origin,
    row_number() OVER (
      PARTITION BY lines.order_id ORDER BY lines.amount DESC, lines.line_id, lines.file_id, lines.row_number
    ) AS place
  FROM lines_by_origin AS lines
  JOIN spans ON spans.order_id = lines.order_id AND spans.has_several = 1
),
decided AS (
  SELECT order_id, origin, has_several
  FROM spans
  WHERE has_several = 0
  UNION ALL
  SELECT order_id, origin, 1 AS has_several
  FROM ranked
  WHERE place = 1
)
SELECT
  $snapshot_date AS snapshot_date,
  orders.order_id,
  orders.ordered_on,
  numbered.channel,
  nullif(numbered.campaign_id, '') AS campaign_id,
  decided.has_several = 1 AS has_several,
  orders.order_value,
  (orders.order_value + orders.refunds)::DECIMAL(18,2) AS revenue
FROM features.order_values AS orders
JOIN decided ON decided.order_id = orders.order_id
JOIN numbered ON numbered.origin = decided.origin
