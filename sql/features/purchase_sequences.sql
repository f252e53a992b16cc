/*
description: "Pairs of items of which customers bought the second for the first time within 90 days after the first: how many did, and how many would have if the first item made no difference, by the month and the size of the occasion. One row without a pair for a level that has none. A query for any day, not a table."
grain: [level, one, other]
owner: team:data
columns:
  level:        {type: VARCHAR, values: [product, category], meaning: What an item is}
  customers:    {type: BIGINT, unit: customers, min: 1, meaning: Customers who count (features.first_purchases)}
  left_out:     {type: BIGINT, unit: customers, min: 0, meaning: Customers with too many different items}
  size_limit:   {type: BIGINT, unit: items, min: 60, meaning: Most different items of a customer who counts}
  occasions:    {type: BIGINT, unit: days, min: 0, meaning: "Occasions of these customers in the last 365 days, at least 90 days old"}
  items:        {type: BIGINT, unit: items, min: 0, meaning: Items that at least 100 of these customers bought in the last 365 days}
  one:          {type: VARCHAR, meaning: "Item bought first; empty where there is no pair"}
  other:        {type: VARCHAR, meaning: Item bought later}
  followed:     {type: BIGINT, nullable: true, unit: customers, min: 5, meaning: Customers who bought the other for the first time within 90 days after their first purchase of the one in the last 365 days}
  watched:      {type: BIGINT, nullable: true, unit: customers, min: 5, meaning: "Customers whose first purchase of the one is at least 90 days old, and who had not bought the other up to that day or on it"}
  expected:     {type: DOUBLE, nullable: true, min: 0, meaning: "How many of them would have bought the other if they did like all customers on occasions of the same month and size"}
  other_lately: {type: BIGINT, nullable: true, unit: days, min: 0, meaning: Occasions of the last 90 days with the other}
*/
WITH firsts AS MATERIALIZED (
  SELECT level, item, customer_id, first_on, window_on, size_limit, customers, left_out
  FROM features.first_purchases
),
shops AS (
  SELECT level, size_limit, customers, left_out
  FROM firsts
  GROUP BY level, size_limit, customers, left_out
),
buyers AS (
  SELECT level, customer_id
  FROM firsts
  GROUP BY level, customer_id
),
eligible AS (
  SELECT level, item, row_number() OVER (PARTITION BY level ORDER BY item) AS number
  FROM firsts
  WHERE window_on IS NOT NULL
  GROUP BY level, item
  HAVING count(*) >= 100
),
lately AS (
  SELECT level, item, count(*) AS occasions
  FROM features.item_occasions
  WHERE occasion_on > $snapshot_date - 90
  GROUP BY level, item
),
occasions AS (
  SELECT bought.level, bought.customer_id, bought.occasion_on, count(*) AS size
  FROM features.item_occasions AS bought
  JOIN buyers ON buyers.level = bought.level AND buyers.customer_id = bought.customer_id
  WHERE bought.occasion_on > $snapshot_date - 365 AND bought.occasion_on <= $snapshot_date - 90
  GROUP BY bought.level, bought.customer_id, bought.occasion_on
),
sizes AS (
  SELECT level, size, count(*) AS occasions
  FROM occasions
  GROUP BY level, size
),
thirds AS (
  SELECT
    level,
    size,
    3 * coalesce(
      sum(occasions) OVER (PARTITION BY level ORDER BY size ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0
    )::BIGINT // nullif((sum(occasions) OVER (PARTITION BY level))::BIGINT, 0) AS third
  FROM sizes
),
placed AS MATERIALIZED (
  SELECT
    occasions.level,
    occasions.customer_id,
    occasions.occasion_on,
    3 * (12 * extract(year FROM occasions.occasion_on) + extract(month FROM occasions.occasion_on))
      + thirds.third AS stratum
  FROM occasions
  JOIN thirds ON thirds.level = occasions.level AND thirds.size = occasions.size
),
strata AS (
  SELECT level, stratum, count(*) AS occasions
  FROM placed
  GROUP BY level, stratum
),
numbered AS MATERIALIZED (
  SELECT firsts.level, firsts.customer_id, eligible.number, firsts.first_on, firsts.window_on
  FROM firsts
  JOIN eligible ON eligible.level = firsts.level AND eligible.item = firsts.item
),
met AS (
  SELECT
    numbered.level,
    numbered.number,
    placed.stratum,
    count(*) FILTER (WHERE numbered.first_on <= placed.occasion_on) AS had,
    count(*) FILTER (
      WHERE numbered.first_on > placed.occasion_on AND numbered.first_on <= placed.occasion_on + 90
    ) AS followed
  FROM numbered
  JOIN placed ON placed.level = numbered.level AND placed.customer_id = numbered.customer_id
  WHERE numbered.first_on <= placed.occasion_on + 90
  GROUP BY numbered.level, numbered.number, placed.stratum
),
chances AS MATERIALIZED (
  SELECT
    met.level,
    met.number,
    met.stratum,
    met.followed::DOUBLE / nullif((strata.occasions - met.had)::DOUBLE, 0) AS chance
  FROM met
  JOIN strata ON strata.level = met.level AND strata.stratum = met.stratum
  WHERE met.followed > 0
),
units AS MATERIALIZED (
  SELECT numbered.level, numbered.customer_id, numbered.number, placed.occasion_on, placed.stratum
  FROM numbered
  JOIN placed
    ON placed.level = numbered.level
    AND placed.customer_id = numbered.customer_id
    AND placed.occasion_on = numbered.window_on
),
unit_counts AS (
  SELECT level, number, stratum, count(*) AS units
  FROM units
  GROUP BY level, number, stratum
),
unit_totals AS (
  SELECT level, number, count(*) AS units
  FROM units
  GROUP BY level, number
),
followed AS MATERIALIZED (
  SELECT
    units.level,
    units.number AS one,
    later.number AS other,
    units.number * 1000000 + later.number AS pair,
    count(*) AS followed
  FROM units
  JOIN numbered AS later
    ON later.level = units.level
    AND later.customer_id = units.customer_id
    AND later.first_on > units.occasion_on
    AND later.first_on <= units.occasion_on + 90
  GROUP BY units.level, units.number, later.number
  HAVING count(*) >= 5
),
had AS (
  SELECT followed.level, followed.one, followed.other, count(*) AS units, coalesce(sum(chances.chance), 0.0) AS expected
  FROM units
  JOIN numbered AS earlier
    ON earlier.level = units.level AND earlier.customer_id = units.customer_id AND earlier.first_on <= units.occasion_on
  JOIN followed
    ON followed.level = units.level AND followed.pair = units.number * 1000000 + earlier.number
  LEFT JOIN chances
    ON chances.level = followed.level AND chances.number = followed.other AND chances.stratum = units.stratum
  GROUP BY followed.level, followed.one, followed.other
),
everybody AS (
  SELECT followed.level, followed.one, followed.other, sum(unit_counts.units * chances.chance) AS expected
  FROM followed
  JOIN unit_counts ON unit_counts.level = followed.level AND unit_counts.number = followed.one
  JOIN chances
    ON chances.level = followed.level
    AND chances.number = followed.other
    AND chances.stratum = unit_counts.stratum
  GROUP BY followed.level, followed.one, followed.other
),
totals AS (
  SELECT level, sum(occasions) AS occasions
  FROM strata
  GROUP BY level
),
counted AS (
  SELECT level, count(*) AS items
  FROM eligible
  GROUP BY level
)
SELECT
  shops.level,
  shops.customers,
  shops.left_out,
  shops.size_limit,
  coalesce(totals.occasions, 0) AS occasions,
  coalesce(counted.items, 0) AS items,
  coalesce(one.item, '') AS one,
  coalesce(other.item, '') AS other,
  followed.followed,
  unit_totals.units - coalesce(had.units, 0) AS watched,
  greatest(everybody.expected - coalesce(had.expected, 0.0), 0.0) AS expected,
  coalesce(lately.occasions, 0) AS other_lately
FROM shops
LEFT JOIN totals ON totals.level = shops.level
LEFT JOIN counted ON counted.level = shops.level
LEFT JOIN followed ON followed.level = shops.level
LEFT JOIN eligible AS one ON one.level = followed.level AND one.number = followed.one
LEFT JOIN eligible AS other ON other.level = followed.level AND other.number = followed.other
LEFT JOIN unit_totals ON unit_totals.level = followed.level AND unit_totals.number = followed.one
LEFT JOIN had ON had.level = followed.level AND had.one = followed.one AND had.other = followed.other
LEFT JOIN everybody
  ON everybody.level = followed.level AND everybody.one = followed.one AND everybody.other = followed.other
LEFT JOIN lately ON lately.level = other.level AND lately.item = other.item
