/*
description: "How long customers take to buy an item again, for items with at least 30 buyers and 30 gaps between purchases. Days by which a quarter, half and three quarters have (Kaplan–Meier: who has not bought again counts as long as watched, so the days are longer than the mean of the gaps that were seen). Null where not reached."
grain: [snapshot_date, level, item]
owner: team:data
columns:
  snapshot_date:    {type: DATE, meaning: The day whose end the row describes}
  level:            {type: VARCHAR, values: [product, category], meaning: "What an item is: a product or a category"}
  item:             {type: VARCHAR, meaning: Id of the product or name of the category}
  buyers:           {type: BIGINT, unit: customers, min: 30, meaning: Customers who have bought it}
  repeat_buyers:    {type: BIGINT, unit: customers, min: 1, meaning: "Of these, those who bought it on more than one day"}
  gaps:             {type: BIGINT, unit: gaps, min: 30, meaning: "Pairs of a purchase and the customer's next one of the item"}
  repeat_share_180: {type: DOUBLE, nullable: true, min: 0, max: 1, meaning: Share of purchases after which it is bought again within 180 days; null where none was watched that long}
  gap_p25_days:     {type: INTEGER, unit: days, nullable: true, min: 1, meaning: Days by which a quarter have bought it again}
  gap_p50_days:     {type: INTEGER, unit: days, nullable: true, min: 1, meaning: Days by which half have}
  gap_p75_days:     {type: INTEGER, unit: days, nullable: true, min: 1, meaning: Days by which three quarters have}
tests:
  quarters_follow_each_other: |
    SELECT level, item, gap_p25_days, gap_p50_days, gap_p75_days
    FROM marts.replenishment_products
    WHERE snapshot_date = $snapshot_date
      AND (gap_p50_days < gap_p25_days OR gap_p75_days < gap_p50_days
        OR (gap_p25_days IS NULL AND gap_p50_days IS NOT NULL) OR (gap_p50_days IS NULL AND gap_p75_days IS NOT NULL)
        OR repeat_buyers > buyers)
*/
WITH buyers AS (
  SELECT
    level,
    item,
    count(*) AS buyers,
    count(*) FILTER (WHERE occasions > 1) AS repeat_buyers,
    sum(occasions) - count(*) AS gaps
  FROM features.customer_items
  GROUP BY level, item
),
times AS (
  SELECT
    level,
    item,
    max(days) AS longest,
    min(survival) FILTER (WHERE days <= 180) AS survival_180,
    min(days) FILTER (WHERE survival <= 0.7500000001) AS gap_p25_days,
    min(days) FILTER (WHERE survival <= 0.5000000001) AS gap_p50_days,
    min(days) FILTER (WHERE survival <= 0.2500000001) AS gap_p75_days
  FROM features.replenishment_curves
  GROUP BY level, item
)
SELECT
  $snapshot_date AS snapshot_date,
  times.level,
  times.item,
  buyers.buyers,
  buyers.repeat_buyers,
  buyers.gaps,
  CASE WHEN times.longest >= 180 THEN 1 - coalesce(times.survival_180, 1.0::DOUBLE) END AS repeat_share_180,
  times.gap_p25_days,
  times.gap_p50_days,
  times.gap_p75_days
FROM times
JOIN buyers ON buyers.level = times.level AND buyers.item = times.item
