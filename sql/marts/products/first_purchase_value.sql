/*
description: "Whether customers whose first purchase held a product, a category or a channel come back more often, or spend more, in the 180 days after it than others who began in the same month with as many items. It tells who comes back, not why. Most rows show no difference, and that is a result."
grain: [snapshot_date, dimension, item, outcome]
owner: team:crm
columns:
  snapshot_date:  {type: DATE, meaning: The day whose end the row describes}
  dimension:      {type: VARCHAR, values: [product, category, channel], meaning: What the item is}
  item:           {type: VARCHAR, meaning: "Product, category or channel of the first purchase"}
  outcome:        {type: VARCHAR, values: [repeat, value], meaning: "repeat: whether there was another purchase on days 1 to 180; value: what was bought on these days, before refunds, the highest hundredth cut down to where it begins"}
  status:         {type: VARCHAR, values: [insufficient_data, no_difference, different], meaning: "insufficient_data: fewer than 30 customers; different: q_value of at most 0.05"}
  customers:      {type: BIGINT, unit: customers, min: 1, meaning: "Customers who began with it, 180 to 909 days ago"}
  mean:           {type: DOUBLE, meaning: "Their share with another purchase, or their mean value"}
  expected:       {type: DOUBLE, meaning: "The same of all who began in the same months with as many items (strata: month × third by the number of different products)"}
  effect:         {type: DOUBLE, nullable: true, meaning: "mean − expected, drawn towards 0 by as much as items differ less than chance lets them appear; null for fewer than 30 customers"}
  z:              {type: DOUBLE, nullable: true, meaning: "Sum of the differences in standard errors, were the customers of a stratum given the item by lot; null for fewer than 30 customers, or where nothing can differ"}
  q_value:        {type: DOUBLE, nullable: true, min: 0, max: 1, meaning: "Share of false findings among rows up to this one (Benjamini and Hochberg), over all items of the dimension, also those with few customers; null where z is"}
tests:
  the_mean_of_shares_is_a_share: |
    SELECT dimension, item FROM marts.first_purchase_value
    WHERE snapshot_date = $snapshot_date AND outcome = 'repeat' AND (mean < 0 OR mean > 1 OR expected < 0 OR expected > 1.0000001)
  nothing_is_said_of_few: |
    SELECT dimension, item, outcome FROM marts.first_purchase_value
    WHERE snapshot_date = $snapshot_date AND ((status = 'insufficient_data') <> (customers < 30) OR (status = 'different' AND q_value > 0.05))
*/
WITH beginners AS (
  SELECT customer_id, min(occasion_on) AS first_on
  FROM features.standing_occasions
  GROUP BY customer_id
  HAVING date_diff('day', min(occasion_on), $snapshot_date) BETWEEN 180 AND 909
),
first_lines AS (
  SELECT beginners.customer_id, beginners.first_on, lines.product_id, lines.category, lines.channel
  FROM beginners
  JOIN features.product_lines AS lines
    ON lines.customer_id = beginners.customer_id AND lines.occasion_on = beginners.first_on
),
first_baskets AS (
  SELECT customer_id, first_on, count(DISTINCT product_id) AS items
  FROM first_lines
  GROUP BY customer_id, first_on
),
thirds AS (
  SELECT
    percentile_cont(0.3333333333) WITHIN GROUP (ORDER BY items) AS low,
    percentile_cont(0.6666666667) WITHIN GROUP (ORDER BY items) AS high
  FROM first_baskets
),
later AS (
  SELECT beginners.customer_id, sum(occasions.amount) AS amount
  FROM beginners
  JOIN features.standing_occasions AS occasions
    ON occasions.customer_id = beginners.customer_id AND occasions.occasion_on > beginners.first_on
  WHERE date_diff('day', beginners.first_on, occasions.occasion_on) <= 180
  GROUP BY beginners.customer_id
),
members AS (
  SELECT
    baskets.customer_id,
    date_trunc('month', baskets.first_on)::DATE AS month,
    CASE WHEN baskets.items <= thirds.low THEN 1 WHEN baskets.items <= thirds.high THEN 2 ELSE 3 END AS third,
    CASE WHEN later.customer_id IS NULL THEN 0 ELSE 1 END AS repeats,
    coalesce(later.amount, 0)::DECIMAL(18,2) AS amount
  FROM first_baskets AS baskets
  CROSS JOIN thirds
  LEFT JOIN later ON later.customer_id = baskets.customer_id
),
placed AS (
  SELECT amount, row_number() OVER (ORDER BY amount, customer_id) AS place, count(*) OVER () AS members
  FROM members
),
highest AS (
  SELECT min(amount) AS amount
  FROM placed
  WHERE 100 * place >= 99 * members
),
outcomes AS (
  SELECT customer_id, month, third, 'repeat' AS outcome, repeats::DECIMAL(18,2) AS result
  FROM members
  UNION ALL
  SELECT members.customer_id, members.month, members.third, 'value' AS outcome, least(members.amount, highest.amount) AS result
  FROM members
  CROSS JOIN highest
),
strata AS (
  SELECT
    outcome,
    month,
    third,
    count(*) AS members,
    sum(result)::DOUBLE AS total,
    coalesce(stddev_samp(result::DOUBLE), 0) AS deviation
  FROM outcomes
  GROUP BY outcome, month, third
),
within_strata AS (
  SELECT
    outcome,
    sum((members - 1) * deviation * deviation) / nullif(sum(members - 1)::DOUBLE, 0) AS variance
  FROM strata
  GROUP BY outcome
),
first_items AS (
  SELECT customer_id, 'product' AS dimension, product_id AS item FROM first_lines WHERE product_id IS NOT NULL
  UNION
  SELECT customer_id, 'category' AS dimension, category AS item FROM first_lines WHERE category IS NOT NULL
  UNION
  SELECT customer_id, 'channel' AS dimension, channel AS item FROM first_lines WHERE channel IS NOT NULL
),
cells AS (
  SELECT
    first_items.dimension,
    first_items.item,
    outcomes.outcome,
    outcomes.month,
    outcomes.third,
    count(*) AS customers,
    sum(outcomes.result) AS result
  FROM first_items
  JOIN outcomes ON outcomes.customer_id = first_items.customer_id
  GROUP BY first_items.dimension, first_items.item, outcomes.outcome, outcomes.month, outcomes.third
),
items AS (
  SELECT
    cells.dimension,
    cells.item,
    cells.outcome,
    sum(cells.customers)::BIGINT AS customers,
    sum(cells.customers)::DOUBLE AS n,
    sum(cells.result)::DOUBLE AS result,
    sum(cells.customers * strata.total / nullif(strata.members, 0)) AS expected,
    sum(
      cells.customers * (strata.members - cells.customers) * strata.deviation * strata.deviation
      / nullif(strata.members, 0)
    ) AS variance
  FROM cells
  JOIN strata ON strata.outcome = cells.outcome AND strata.month = cells.month AND strata.third = cells.third
  GROUP BY cells.dimension, cells.item, cells.outcome
),
between_items AS (
  SELECT
    dimension,
    outcome,
    sum(((result - expected) * (result - expected) - variance) / nullif(n, 0)) / nullif(sum(n), 0) AS variance
  FROM items
  WHERE customers >= 30
  GROUP BY dimension, outcome
),
tested AS (
  SELECT
    items.dimension,
    items.item,
    items.outcome,
    items.customers,
    items.n,
    items.result / nullif(items.n, 0) AS mean,
    items.expected / nullif(items.n, 0) AS expected,
    greatest(coalesce(between_items.variance, 0), 0) AS between_variance,
    coalesce(within_strata.variance, 0) AS within_variance,
    CASE WHEN items.customers >= 30 AND items.variance > 0.000000001 THEN
      (items.result - items.expected) / nullif(sqrt(items.variance), 0)
    END AS z
  FROM items
  LEFT JOIN between_items ON between_items.dimension = items.dimension AND between_items.outcome = items.outcome
  LEFT JOIN within_strata ON within_strata.outcome = items.outcome
),
-- The normal tail by Hastings (Abramowitz and Stegun, 26.2.17), right to 7.5e-8.
scaled AS (
  SELECT
    dimension, item, outcome, customers, n, mean, expected, between_variance, within_variance, z,
    1 / nullif(1 + 0.2316419::DOUBLE * abs(z), 0) AS t,
    2 * 0.3989422804014327::DOUBLE * exp(-z * z / 2) AS density
  FROM tested
),
chances AS (
  SELECT
    dimension, item, outcome, customers, n, mean, expected, between_variance, within_variance, z,
    coalesce(
      density * t * (0.31938153::DOUBLE + t * (-0.356563782::DOUBLE + t * (1.781477937::DOUBLE
      + t * (-1.821255978::DOUBLE + t * 1.330274429::DOUBLE)))),
      1
    ) AS p
  FROM scaled
),
ordered AS (
  SELECT
    dimension, item, outcome, customers, n, mean, expected, between_variance, within_variance, z, p,
    p * count(*) OVER (PARTITION BY dimension, outcome)
    / nullif((row_number() OVER (PARTITION BY dimension, outcome ORDER BY p, item))::DOUBLE, 0) AS false_share
  FROM chances
),
found AS (
  SELECT
    dimension, item, outcome, customers, n, mean, expected, between_variance, within_variance, z,
    least(
      1.0::DOUBLE,
      min(false_share) OVER (PARTITION BY dimension, outcome ORDER BY p, item ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING)
    ) AS q_value
  FROM ordered
)
SELECT
  $snapshot_date AS snapshot_date,
  dimension,
  item,
  outcome,
  CASE
    WHEN customers < 30 THEN 'insufficient_data'
    WHEN z IS NOT NULL AND q_value <= 0.05 THEN 'different'
    ELSE 'no_difference'
  END AS status,
  customers,
  mean,
  expected,
  CASE WHEN customers >= 30 THEN
    coalesce((mean - expected) * n * between_variance / nullif(n * between_variance + within_variance, 0), 0)
  END AS effect,
  z,
  CASE WHEN z IS NOT NULL THEN q_value END AS q_value
FROM found
