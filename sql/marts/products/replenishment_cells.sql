/*
description: "How often a customer who has bought an item at least twice buys it again within 30 days: learnt 30 days before the snapshot date on what was bought since, in cells of four things. A cell is drawn towards the cells with the same ratio by 50 pairs, and these towards all. Items of marts.replenishment_products. Without 200 pairs nothing is learnt."
grain: [snapshot_date, level, ratio_class, count_class, gap_class, silence_class]
owner: team:data
columns:
  snapshot_date: {type: DATE, meaning: The day whose end the row describes}
  level:         {type: VARCHAR, values: [product, category], meaning: "What an item is: a product or a category"}
  ratio_class:   {type: INTEGER, min: 0, max: 7, meaning: "Days since the last purchase of the item by the customer's mean gap: how many of 0.25, 0.5, 1, 1.5, 2, 3, 5 it is above"}
  count_class:   {type: INTEGER, min: 0, max: 3, meaning: "Occasions with the item: how many of 2, 4, 9 they are above"}
  gap_class:     {type: INTEGER, min: 0, max: 3, meaning: "Mean gap in days: how many of 14, 30, 60 it is above"}
  silence_class: {type: INTEGER, min: 0, max: 3, meaning: "Days since the customer's last occasion: how many of 6, 13, 29 they are above"}
  pairs:         {type: BIGINT, unit: pairs, min: 0, meaning: Pairs of a customer and an item in the cell 30 days ago}
  bought:        {type: BIGINT, unit: pairs, min: 0, meaning: "Of these, those that were bought since"}
  probability:   {type: DOUBLE, nullable: true, min: 0, max: 1, meaning: "(bought + 50 · share of the ratio class) / (pairs + 50); null without enough pairs"}
  status:        {type: VARCHAR, values: [ok, insufficient_data], meaning: "insufficient_data: fewer than 200 pairs of the level 30 days ago"}
tests:
  every_cell_is_there: |
    SELECT count(*) AS cells FROM marts.replenishment_cells WHERE snapshot_date = $snapshot_date HAVING count(*) <> 1024
  no_more_than_there_are: |
    SELECT level, pairs, bought FROM marts.replenishment_cells
    WHERE snapshot_date = $snapshot_date AND (bought > pairs OR (probability IS NULL) <> (status <> 'ok'))
*/
WITH cells AS (
  SELECT level, ratio_class, count_class, gap_class, silence_class, count(*) AS pairs, sum(bought_since) AS bought
  FROM features.replenishment_pairs
  WHERE days_ago = 30
  GROUP BY level, ratio_class, count_class, gap_class, silence_class
),
levels AS (
  SELECT levels.level, coalesce(sum(cells.pairs), 0) AS pairs, coalesce(sum(cells.bought), 0) AS bought
  FROM (VALUES ('product'), ('category')) AS levels (level)
  LEFT JOIN cells ON cells.level = levels.level
  GROUP BY levels.level
),
ratios AS (
  SELECT
    levels.level,
    classes.class AS ratio_class,
    CASE
      WHEN levels.pairs >= 200
        THEN (coalesce(sum(cells.bought), 0) + 50 * levels.bought::DOUBLE / nullif(levels.pairs, 0))
          / nullif(coalesce(sum(cells.pairs), 0) + 50, 0)
    END AS probability
  FROM levels
  CROSS JOIN (VALUES (0), (1), (2), (3), (4), (5), (6), (7)) AS classes (class)
  LEFT JOIN cells ON cells.level = levels.level AND cells.ratio_class = classes.class
  GROUP BY levels.level, levels.pairs, levels.bought, classes.class
)
SELECT
  $snapshot_date AS snapshot_date,
  ratios.level,
  ratios.ratio_class,
  counts.class AS count_class,
  gaps.class AS gap_class,
  silences_classes.class AS silence_class,
  coalesce(cells.pairs, 0) AS pairs,
  coalesce(cells.bought, 0) AS bought,
  (coalesce(cells.bought, 0) + 50 * ratios.probability) / nullif(coalesce(cells.pairs, 0) + 50, 0) AS probability,
  CASE WHEN ratios.probability IS NULL THEN 'insufficient_data' ELSE 'ok' END AS status
FROM ratios
CROSS JOIN (VALUES (0), (1), (2), (3)) AS counts (class)
CROSS JOIN (VALUES (0), (1), (2), (3)) AS gaps (class)
CROSS JOIN (VALUES (0), (1), (2), (3)) AS silences_classes (class)
LEFT JOIN cells
  ON cells.level = ratios.level
  AND cells.ratio_class = ratios.ratio_class
  AND cells.count_class = counts.class
  AND cells.gap_class = gaps.class
  AND cells.silence_class = silences_classes.class
