/*
description: "Who may need an item again: customers and items of marts.replenishment_products, with the chance to buy it in the 30 days after the snapshot date. Choose by probability_30d; due_on is shown because people ask for it, and predicts little: most of those who are overdue do not come back for the item. Who bought it once is here where enough others were watched for as long and the chance is at least 5 %."
grain: [snapshot_date, level, customer_id, item]
owner: team:crm
columns:
  snapshot_date:   {type: DATE, meaning: The day whose end the row describes}
  level:           {type: VARCHAR, values: [product, category], meaning: "What an item is: a product or a category"}
  customer_id:     {type: VARCHAR, meaning: Customer of the shop}
  item:            {type: VARCHAR, meaning: Id of the product or name of the category}
  purchases:       {type: BIGINT, unit: days, min: 1, meaning: Occasions of the customer with the item}
  last_on:         {type: DATE, meaning: Last of them}
  mean_gap_days:   {type: DOUBLE, unit: days, nullable: true, min: 1, meaning: "From one to the next, in the mean; null for who bought it once"}
  due_on:          {type: DATE, nullable: true, meaning: "last_on and the mean gap, to the nearest day"}
  due_status:      {type: VARCHAR, nullable: true, values: [not_yet, due, overdue], meaning: "due: due_on is one of the 30 days after the snapshot date; overdue: it is over"}
  probability_30d: {type: DOUBLE, nullable: true, min: 0, max: 1, meaning: "Chance that the customer buys the item in the 30 days after the snapshot date: of pairs alike 30 days ago (marts.replenishment_cells), or of the item where it was bought once"}
  status:          {type: VARCHAR, values: [ok, insufficient_data], meaning: "insufficient_data: too few pairs to learn from"}
tests:
  every_pair_has_what_it_should: |
    SELECT level, customer_id, item, purchases, due_on, probability_30d
    FROM marts.replenishment_due
    WHERE snapshot_date = $snapshot_date
      AND ((purchases = 1) <> (due_on IS NULL) OR (due_on IS NULL) <> (due_status IS NULL)
        OR (probability_30d IS NULL) <> (status <> 'ok') OR due_on < last_on)
*/
WITH items AS (
  SELECT level, item
  FROM marts.replenishment_products
  WHERE snapshot_date = $snapshot_date
),
pairs AS (
  SELECT
    level,
    item,
    customer_id,
    purchases,
    last_on,
    mean_gap,
    last_on + floor(mean_gap + 0.5)::INTEGER AS due_on,
    ratio_class,
    count_class,
    gap_class,
    silence_class
  FROM features.replenishment_pairs
  WHERE days_ago = 0
),
bought_once AS (
  SELECT bought.level, bought.item, bought.customer_id, bought.last_on
  FROM features.customer_items AS bought
  JOIN items ON items.level = bought.level AND items.item = bought.item
  WHERE bought.occasions = 1
),
points AS (
  SELECT DISTINCT
    bought_once.level,
    bought_once.item,
    date_diff('day', bought_once.last_on, $snapshot_date) + ahead.days AS days,
    ahead.days AS days_ahead
  FROM bought_once
  CROSS JOIN (VALUES (0), (30)) AS ahead (days)
),
steps AS (
  SELECT level, item, days, leaving, watched, survival, -1 AS days_ahead
  FROM features.replenishment_curves
  UNION ALL
  SELECT level, item, days, 0 AS leaving, 0 AS watched, 1.0::DOUBLE AS survival, days_ahead
  FROM points
),
read_off AS (
  SELECT
    level,
    item,
    days,
    days_ahead,
    min(survival) OVER (
      PARTITION BY level, item ORDER BY days, days_ahead ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS survival,
    max(watched) OVER (PARTITION BY level, item) - sum(leaving) OVER (
      PARTITION BY level, item ORDER BY days, days_ahead ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS watched_longer
  FROM steps
),
ahead AS (
  -- Both ends of the 30 days in one row.
  SELECT
    level,
    item,
    days - days_ahead AS days,
    1 - max(survival) FILTER (WHERE days_ahead = 30) / nullif(max(survival) FILTER (WHERE days_ahead = 0), 0) AS probability,
    max(watched_longer) FILTER (WHERE days_ahead = 30) AS watched_longer
  FROM read_off
  WHERE days_ahead >= 0
  GROUP BY level, item, days - days_ahead
),
once AS (
  SELECT level, item, days, probability
  FROM ahead
  WHERE watched_longer >= 100 AND probability >= 0.05
)
SELECT
  $snapshot_date AS snapshot_date,
  pairs.level,
  pairs.customer_id,
  pairs.item,
  pairs.purchases,
  pairs.last_on,
  pairs.mean_gap AS mean_gap_days,
  pairs.due_on,
  CASE
    WHEN pairs.due_on <= $snapshot_date THEN 'overdue'
    WHEN pairs.due_on <= $snapshot_date + 30 THEN 'due'
    ELSE 'not_yet'
  END AS due_status,
  cells.probability AS probability_30d,
  cells.status
FROM pairs
JOIN marts.replenishment_cells AS cells
  ON cells.snapshot_date = $snapshot_date
  AND cells.level = pairs.level
  AND cells.ratio_class = pairs.ratio_class
  AND cells.count_class = pairs.count_class
  AND cells.gap_class = pairs.gap_class
  AND cells.silence_class = pairs.silence_class
UNION ALL
SELECT
  $snapshot_date AS snapshot_date,
  bought_once.level,
  bought_once.customer_id,
  bought_once.item,
  1 AS purchases,
  bought_once.last_on,
  NULL::DOUBLE AS mean_gap_days,
  NULL::DATE AS due_on,
  NULL::VARCHAR AS due_status,
  once.probability AS probability_30d,
  'ok' AS status
FROM bought_once
JOIN once
  ON once.level = bought_once.level
  AND once.item = bought_once.item
  AND once.days = date_diff('day', bought_once.last_on, $snapshot_date)
