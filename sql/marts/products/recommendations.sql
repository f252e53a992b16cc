/*
description: "What to show or offer a customer: up to ten products in each list. repeat and cross_sell are never mixed, since their scores mean different things; up_sell names what is one price band higher than a product of the customer; win_back has both for customers who are going or gone, what they bought first. Left out is what a customer bought in the last 7 days (or less than half of the days by which a quarter buy it again ago) what nobody has bought for 60 days, and what is not in stock. Nothing is filled in to reach ten. Methods are those that marts.recommendation_validation has published."
grain: [snapshot_date, customer_id, list, slot]
owner: team:crm
columns:
  snapshot_date: {type: DATE, meaning: The day whose end the row describes}
  customer_id:   {type: VARCHAR, meaning: Customer of the shop}
  list:          {type: VARCHAR, values: [repeat, cross_sell, up_sell, win_back], meaning: "repeat: bought before, for customers of the last 730 days; cross_sell: never bought, for those of the last 365; up_sell: never bought, one price band higher than a product of the same category that was bought in the last 180 days and at most twice as dear; win_back: for customers in the stages defecting and inactive, up to seven of the first and three of the second"}
  slot:          {type: INTEGER, min: 1, max: 10, meaning: Place in the list}
  product_id:    {type: VARCHAR, meaning: Product}
  reason:        {type: VARCHAR, values: [bought_before, viewed_not_bought, complement, similar_customers, upgrade, trending, popular], meaning: "Why it is here: bought before; viewed by the customer in the last 30 days; goes together with the product it is because of (marts.product_affinity); more often bought by customers with the same products; often bought later by buyers of the product it is because of, which is cheaper; bought more than it was; bought by many. Of several the first"}
  because_of:    {type: VARCHAR, nullable: true, meaning: Product of the customer that speaks most for it}
  score:         {type: DOUBLE, min: 0, meaning: "What it was ranked by, to be compared inside a list and reason only"}
  probability_30d: {type: DOUBLE, nullable: true, min: 0, max: 1, meaning: "Chance to buy it in the 30 days after the snapshot date, where marts.replenishment_due knows one; no part of the ranking"}
  is_new:        {type: BOOLEAN, meaning: Whether the customer has never bought it}
  method:        {type: VARCHAR, meaning: "How the list, or this part of it, was ranked (marts.recommendation_validation)"}
  status:        {type: VARCHAR, values: [ok, insufficient_data, not_better_than_naive], meaning: "ok, or why the method is a naive one"}
tests:
  slots_are_without_gaps: |
    SELECT customer_id, list FROM marts.recommendations
    WHERE snapshot_date = $snapshot_date
    GROUP BY customer_id, list
    HAVING max(slot) <> count(*) OR count(DISTINCT product_id) <> count(*)
  lists_are_not_mixed: |
    SELECT customer_id, list, slot FROM marts.recommendations
    WHERE snapshot_date = $snapshot_date
      AND ((list = 'repeat' AND is_new) OR (list IN ('cross_sell', 'up_sell') AND NOT is_new) OR is_new = (reason = 'bought_before'))
*/
WITH repeats AS (
  SELECT
    candidates.customer_id,
    candidates.product_id,
    candidates.score,
    candidates.method,
    chosen.status,
    row_number() OVER (
      PARTITION BY candidates.customer_id
      ORDER BY candidates.score DESC, candidates.popularity DESC, candidates.product_id
    ) AS place
  FROM features.repeat_candidates AS candidates
  JOIN features.listed_methods AS chosen ON chosen.list = 'repeat' AND chosen.method = candidates.method
  LEFT JOIN marts.replenishment_products AS replenishment
    ON replenishment.snapshot_date = $snapshot_date
    AND replenishment.level = 'product'
    AND replenishment.item = candidates.product_id
  LEFT JOIN features.unavailable_products AS gone ON gone.product_id = candidates.product_id
  WHERE 2 * date_diff('day', candidates.last_on, $snapshot_date) >= coalesce(replenishment.gap_p25_days, 0)
    AND gone.product_id IS NULL
),
viewed AS (
  SELECT DISTINCT customer_id, product_id
  FROM features.customer_events
  WHERE event = 'product_view'
    AND customer_id IS NOT NULL
    AND happened_on <= $snapshot_date
    AND date_diff('day', happened_on, $snapshot_date) < 30
),
news AS (
  SELECT
    candidates.customer_id,
    candidates.product_id,
    candidates.score,
    candidates.method,
    chosen.status,
    CASE
      WHEN viewed.product_id IS NOT NULL AND candidates.score > 0 THEN 'viewed_not_bought'
      WHEN pairs.is_complementary THEN 'complement'
      ELSE candidates.reason
    END AS reason,
    candidates.because_of,
    candidates.place
  FROM features.new_candidates AS candidates
  JOIN features.listed_methods AS chosen ON chosen.list = 'cross_sell' AND chosen.method = candidates.method
  LEFT JOIN marts.product_affinity AS pairs
    ON pairs.snapshot_date = $snapshot_date
    AND pairs.level = 'product'
    AND pairs.scope = 'basket'
    AND pairs.item = candidates.because_of
    AND pairs.other = candidates.product_id
  LEFT JOIN viewed ON viewed.customer_id = candidates.customer_id AND viewed.product_id = candidates.product_id
),
upgrades AS (
  SELECT
    candidates.customer_id,
    candidates.product_id,
    candidates.score,
    candidates.method,
    chosen.status,
    CASE WHEN viewed.product_id IS NOT NULL THEN 'viewed_not_bought' ELSE candidates.reason END AS reason,
    candidates.because_of,
    candidates.place
  FROM features.upgrade_candidates AS candidates
  JOIN features.listed_methods AS chosen ON chosen.list = 'up_sell' AND chosen.method = candidates.method
  LEFT JOIN viewed ON viewed.customer_id = candidates.customer_id AND viewed.product_id = candidates.product_id
),
placed AS (
  SELECT customer_id, 'repeat' AS list, place, product_id, 'bought_before' AS reason, NULL::VARCHAR AS because_of,
    score, method, status, false AS is_new
  FROM repeats
  WHERE place <= 10
  UNION ALL
  SELECT customer_id, 'cross_sell' AS list, place, product_id, reason, because_of, score, method, status, true AS is_new
  FROM news
  UNION ALL
  SELECT customer_id, 'up_sell' AS list, place, product_id, reason, because_of, score, method, status, true AS is_new
  FROM upgrades
),
listed AS (
  SELECT customer_id, list, place, product_id, reason, because_of, score, method, status, is_new
  FROM placed
  UNION ALL
  SELECT
    placed.customer_id,
    'win_back' AS list,
    row_number() OVER (PARTITION BY placed.customer_id ORDER BY placed.list DESC, placed.place) AS place,
    placed.product_id,
    placed.reason,
    placed.because_of,
    placed.score,
    placed.method,
    placed.status,
    placed.is_new
  FROM placed
  JOIN marts.lifecycle_stages AS stages
    ON stages.snapshot_date = $snapshot_date AND stages.customer_id = placed.customer_id
  WHERE stages.stage IN ('defecting', 'inactive')
    AND ((placed.list = 'repeat' AND placed.place <= 7) OR (placed.list = 'cross_sell' AND placed.place <= 3))
)
SELECT
  $snapshot_date AS snapshot_date,
  listed.customer_id,
  listed.list,
  listed.place AS slot,
  listed.product_id,
  listed.reason,
  listed.because_of,
  listed.score,
  due.probability_30d,
  listed.is_new,
  listed.method,
  listed.status
FROM listed
LEFT JOIN marts.replenishment_due AS due
  ON due.snapshot_date = $snapshot_date
  AND due.level = 'product'
  AND due.customer_id = listed.customer_id
  AND due.item = listed.product_id
