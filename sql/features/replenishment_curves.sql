/*
description: "How long customers take to buy an item again: Kaplan–Meier over all their purchases of it, each watched until the next one or, censored, until the day. Items with at least 30 buyers and 30 gaps between purchases. Counts, no customers. A query for any day, not a table."
grain: [level, item, days]
owner: team:data
keep: true
columns:
  level:    {type: VARCHAR, values: [product, category], meaning: "What an item is: a product or a category"}
  item:     {type: VARCHAR, meaning: Id of the product or name of the category}
  days:     {type: BIGINT, unit: days, min: 0, meaning: Days since a purchase}
  ended:    {type: BIGINT, unit: gaps, min: 0, meaning: Purchases after which it was bought again after just so many days}
  leaving:  {type: BIGINT, unit: purchases, min: 1, meaning: "These, and those that are watched no longer than so many days"}
  watched:  {type: BIGINT, unit: purchases, min: 1, meaning: Purchases watched for at least so many days}
  survival: {type: DOUBLE, min: 0, max: 1, meaning: Chance not to have bought it again by then}
*/
WITH pairs AS (
  SELECT level, item, customer_id, occasions AS purchases, first_on, last_on
  FROM features.customer_items
),
eligible AS (
  SELECT level, item
  FROM pairs
  GROUP BY level, item
  HAVING count(*) >= 30 AND sum(purchases) - count(*) >= 30
),
often AS (
  SELECT
    occasions.level,
    occasions.item,
    occasions.occasion_on,
    lag(occasions.occasion_on) OVER (
      PARTITION BY occasions.level, occasions.item, occasions.customer_id ORDER BY occasions.occasion_on
    ) AS before_on
  FROM features.item_occasions AS occasions
  JOIN pairs
    ON pairs.level = occasions.level
    AND pairs.item = occasions.item
    AND pairs.customer_id = occasions.customer_id
    AND pairs.purchases > 2
),
spans AS (
  SELECT level, item, date_diff('day', last_on, $snapshot_date) AS days, 0 AS ended
  FROM pairs
  UNION ALL
  SELECT level, item, date_diff('day', first_on, last_on) AS days, 1 AS ended
  FROM pairs
  WHERE purchases = 2
  UNION ALL
  SELECT level, item, date_diff('day', before_on, occasion_on) AS days, 1 AS ended
  FROM often
  WHERE before_on IS NOT NULL
),
times AS (
  SELECT spans.level, spans.item, spans.days, sum(spans.ended) AS ended, count(*) AS leaving
  FROM spans
  JOIN eligible ON eligible.level = spans.level AND eligible.item = spans.item
  GROUP BY spans.level, spans.item, spans.days
),
at_risk AS (
  SELECT
    level,
    item,
    days,
    ended,
    leaving,
    sum(leaving) OVER (
      PARTITION BY level, item ORDER BY days DESC ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS watched
  FROM times
)
SELECT
  level,
  item,
  days,
  ended,
  leaving,
  watched,
  exp(
    sum(CASE WHEN ended = watched THEN -1000.0::DOUBLE ELSE ln(1 - ended::DOUBLE / nullif(watched, 0)) END) OVER (
      PARTITION BY level, item ORDER BY days ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    )
  ) AS survival
FROM at_risk
