/*
description: "Pairs of items that are in the same baskets of the last 365 days, each pair once, with what their shop is: one row without a pair for a level that has none. Baskets of too many items are left out, and where what is left is still too many pairs of lines, a smaller limit applies. Pairs of fewer than 5 baskets are left out. A query for any day, not a table."
grain: [level, one, other]
owner: team:data
keep: true
columns:
  level:          {type: VARCHAR, values: [product, category], meaning: What an item is}
  baskets:        {type: BIGINT, unit: baskets, min: 1, meaning: Baskets of the last 365 days with an item}
  kept:           {type: BIGINT, unit: baskets, min: 0, meaning: "Of these, those of not more items than the limit"}
  size_limit:     {type: BIGINT, unit: items, min: 2, meaning: "Most distinct items of a basket that is kept: the setting, or 50, 30 or 20 where there would be more than 300 million pairs of lines"}
  size_sum:       {type: BIGINT, unit: items, min: 0, meaning: "Distinct items of the baskets kept, added up: S1"}
  size_pairs:     {type: BIGINT, unit: pairs, min: 0, meaning: "Ordered pairs of items in the baskets kept, added up: S2 = Σ s(s − 1)"}
  items:          {type: BIGINT, unit: items, min: 0, meaning: "Items in at least 20 of the baskets kept, of at least 10 customers"}
  one:            {type: VARCHAR, meaning: "Item; empty where there is no pair"}
  other:          {type: VARCHAR, meaning: "Item that comes later in the order of ids"}
  together:       {type: BIGINT, nullable: true, unit: baskets, min: 5, meaning: Baskets with both}
  customers:      {type: BIGINT, nullable: true, unit: customers, min: 1, meaning: Customers of these baskets}
  one_baskets:    {type: BIGINT, nullable: true, unit: baskets, min: 20, meaning: Baskets with the one}
  other_baskets:  {type: BIGINT, nullable: true, unit: baskets, min: 20, meaning: Baskets with the other}
  one_lately:     {type: BIGINT, nullable: true, unit: baskets, min: 0, meaning: Baskets of the last 90 days with the one}
  other_lately:   {type: BIGINT, nullable: true, unit: baskets, min: 0, meaning: Baskets of the last 90 days with the other}
*/
WITH baskets AS (
  SELECT level, order_id, count(*) AS size
  FROM features.product_baskets
  GROUP BY level, order_id
),
sizes AS (
  SELECT level, size, count(*) AS baskets
  FROM baskets
  GROUP BY level, size
),
candidates AS (
  SELECT largest_basket AS size_limit FROM params.settings
  UNION ALL
  SELECT lower.size_limit
  FROM (VALUES (50), (30), (20)) AS lower(size_limit)
  CROSS JOIN params.settings AS settings
  WHERE lower.size_limit < settings.largest_basket
),
kept_by_limit AS (
  SELECT
    sizes.level,
    candidates.size_limit,
    sum(sizes.baskets) AS baskets,
    coalesce(sum(sizes.baskets) FILTER (WHERE sizes.size <= candidates.size_limit), 0) AS kept,
    coalesce(sum(sizes.baskets * sizes.size) FILTER (WHERE sizes.size <= candidates.size_limit), 0) AS size_sum,
    coalesce(sum(sizes.baskets * sizes.size * (sizes.size - 1)) FILTER (WHERE sizes.size <= candidates.size_limit), 0)
      AS size_pairs
  FROM sizes
  CROSS JOIN candidates
  GROUP BY sizes.level, candidates.size_limit
),
ranked_limits AS (
  SELECT
    level,
    size_limit,
    baskets,
    kept,
    size_sum,
    size_pairs,
    row_number() OVER (
      PARTITION BY level
      ORDER BY CASE WHEN size_pairs > 600000000 THEN size_limit ELSE -size_limit END
    ) AS place
  FROM kept_by_limit
),
shops AS (
  SELECT level, size_limit, baskets, kept, size_sum, size_pairs
  FROM ranked_limits
  WHERE place = 1
),
-- Few baskets are too large: to look for those is less than to look each line's own up.
too_large AS (
  SELECT baskets.level, baskets.order_id
  FROM baskets
  JOIN shops ON shops.level = baskets.level
  WHERE baskets.size > shops.size_limit
),
kept AS (
  SELECT lines.level, lines.order_id, lines.item, lines.customer_id, lines.occasion_on
  FROM features.product_baskets AS lines
  LEFT JOIN too_large ON too_large.level = lines.level AND too_large.order_id = lines.order_id
  WHERE too_large.order_id IS NULL
),
bought AS (
  SELECT
    level,
    item,
    customer_id,
    count(*) AS baskets,
    count(*) FILTER (WHERE occasion_on > $snapshot_date - 90) AS lately
  FROM kept
  GROUP BY level, item, customer_id
),
eligible AS (
  SELECT
    level,
    item,
    sum(baskets)::BIGINT AS baskets,
    sum(lately)::BIGINT AS lately,
    row_number() OVER (ORDER BY level, item) AS number
  FROM bought
  GROUP BY level, item
  HAVING sum(baskets) >= 20 AND count(*) >= 10
),
numbered AS (
  SELECT kept.level, kept.order_id, kept.customer_id, eligible.number
  FROM kept
  JOIN eligible ON eligible.level = kept.level AND eligible.item = kept.item
),
-- A pair is one number. Most are in a basket or two: whose they are is only asked of those that are kept.
pairs AS MATERIALIZED (
  SELECT 1000000000 * one.number + other.number AS pair, one.customer_id
  FROM numbered AS one
  JOIN numbered AS other
    ON other.level = one.level AND other.order_id = one.order_id AND other.number > one.number
),
often AS MATERIALIZED (
  SELECT pair, count(*) AS baskets
  FROM pairs
  GROUP BY pair
  HAVING count(*) >= 5
),
customers AS (
  SELECT pairs.pair, count(DISTINCT pairs.customer_id) AS customers
  FROM pairs
  JOIN often ON often.pair = pairs.pair
  GROUP BY pairs.pair
),
together AS (
  SELECT
    one.level,
    often.baskets,
    customers.customers,
    one.item AS one,
    other.item AS other,
    one.baskets AS one_baskets,
    other.baskets AS other_baskets,
    one.lately AS one_lately,
    other.lately AS other_lately
  FROM often
  JOIN customers ON customers.pair = often.pair
  JOIN eligible AS one ON one.number = often.pair // 1000000000
  JOIN eligible AS other ON other.number = often.pair % 1000000000
)
SELECT
  shops.level,
  shops.baskets,
  shops.kept,
  shops.size_limit,
  shops.size_sum,
  shops.size_pairs,
  coalesce(counted.items, 0) AS items,
  coalesce(together.one, '') AS one,
  coalesce(together.other, '') AS other,
  together.baskets AS together,
  together.customers,
  together.one_baskets,
  together.other_baskets,
  together.one_lately,
  together.other_lately
FROM shops
LEFT JOIN (SELECT level, count(*) AS items FROM eligible GROUP BY level) AS counted ON counted.level = shops.level
LEFT JOIN together ON together.level = shops.level
