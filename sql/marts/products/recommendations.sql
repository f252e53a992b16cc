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
    HAVING max(slot) <> count(*)
  products_stand_once: |
    SELECT customer_id, list, product_id FROM marts.recommendations
    WHERE snapshot_date = $snapshot_date
    GROUP BY customer_id, list, product_id
    HAVING count(*) > 1
  lists_are_not_mixed: |
    SELECT customer_id, list, slot FROM marts.recommendations
    WHERE snapshot_date = $snapshot_date
      AND ((list = 'repeat' AND is_new) OR (list IN ('cross_sell', 'up_sell') AND NOT is_new) OR is_new = (reason = 'bought_before'))
*/
-- The score and the number of the product are one number, and text comes later: so the first ten are found without sorting.
WITH weighed AS (
  SELECT candidates.customer_id, candidates.method, candidates.weight
  FROM features.repeat_candidates AS candidates
  LEFT JOIN marts.replenishment_products AS replenishment
    ON replenishment.snapshot_date = $snapshot_date
    AND replenishment.level = 'product'
    AND replenishment.item = candidates.product_id
  LEFT JOIN features.unavailable_products AS gone ON gone.product_id = candidates.product_id
  WHERE 2 * date_diff('day', candidates.last_on, $snapshot_date) >= coalesce(replenishment.gap_p25_days, 0)
    AND gone.product_id IS NULL
),
first_weighed AS MATERIALIZED (
  SELECT customer_id, method, weight, (weight + 16777215) // 16777216 AS score, place
  FROM (
    SELECT
      customer_id,
      method,
      weight,
      row_number() OVER (PARTITION BY customer_id, method ORDER BY weight DESC) AS place
    FROM weighed
  ) AS placed
  WHERE place <= 10
),
repeats AS (
  SELECT
    weighed.customer_id,
    numbers.product_id,
    weighed.score::DOUBLE AS score,
    weighed.method,
    chosen.status,
    weighed.place,
    due.probability_30d
  FROM first_weighed AS weighed
  JOIN features.product_numbers AS numbers ON numbers.number = 16777216 * weighed.score - weighed.weight
  JOIN features.listed_methods AS chosen ON chosen.list = 'repeat' AND chosen.method = weighed.method
  LEFT JOIN marts.replenishment_due AS due
    ON due.snapshot_date = $snapshot_date
    AND due.level = 'product'
    AND due.customer_id = weighed.customer_id
    AND due.item = numbers.product_id
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
    score, method, status, false AS is_new, probability_30d
  FROM repeats
  UNION ALL
  SELECT customer_id, 'cross_sell' AS list, place, product_id, reason, because_of, score, method, status, true AS is_new,
    NULL::DOUBLE AS probability_30d
  FROM news
  UNION ALL
  SELECT customer_id, 'up_sell' AS list, place, product_id, reason, because_of, score, method, status, true AS is_new,
    NULL::DOUBLE AS probability_30d
  FROM upgrades
),
won_back AS (
  SELECT stages.customer_id, count(weighed.place) AS repeats
  FROM marts.lifecycle_stages AS stages
  LEFT JOIN first_weighed AS weighed ON weighed.customer_id = stages.customer_id AND weighed.place <= 7
  WHERE stages.snapshot_date = $snapshot_date AND stages.stage IN ('defecting', 'inactive')
  GROUP BY stages.customer_id
),
-- What win_back takes from another list stands in both.
taken AS (
  SELECT kept_in, is_won_back
  FROM (VALUES ('own', false), ('both', false), ('both', true)) AS kinds (kept_in, is_won_back)
),
counted AS (
  SELECT
    placed.customer_id,
    placed.list,
    placed.place,
    placed.product_id,
    placed.reason,
    placed.because_of,
    placed.score,
    placed.method,
    placed.status,
    placed.is_new,
    placed.probability_30d,
    CASE placed.list WHEN 'repeat' THEN placed.place ELSE won_back.repeats + placed.place END AS won_back_place,
    CASE
      WHEN won_back.customer_id IS NULL THEN 'own'
      WHEN placed.list = 'repeat' AND placed.place <= 7 THEN 'both'
      WHEN placed.list = 'cross_sell' AND placed.place <= 3 THEN 'both'
      ELSE 'own'
    END AS kept_in
  FROM placed
  LEFT JOIN won_back ON won_back.customer_id = placed.customer_id
),
listed AS (
  SELECT
    counted.customer_id,
    CASE WHEN taken.is_won_back THEN 'win_back' ELSE counted.list END AS list,
    CASE WHEN taken.is_won_back THEN counted.won_back_place ELSE counted.place END AS place,
    counted.product_id,
    counted.reason,
    counted.because_of,
    counted.score,
    counted.method,
    counted.status,
    counted.is_new,
    counted.probability_30d
  FROM counted
  JOIN taken ON taken.kept_in = counted.kept_in
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
  listed.probability_30d,
  listed.is_new,
  listed.method,
  listed.status
FROM listed
