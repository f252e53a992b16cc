/*
description: "What a page or a mail can show a customer of the last 730 days: up to five products in each slot, every product once, in the first slot it fits. Slots that need views or prices are absent without them. Left out is what is not in stock or not recommendable, and what the customer bought in the last 7 days. Nothing is filled in."
grain: [snapshot_date, customer_id, slot, position]
owner: team:crm
columns:
  snapshot_date: {type: DATE, meaning: The day whose end the row describes}
  customer_id:   {type: VARCHAR, meaning: Customer of the shop}
  slot:          {type: VARCHAR, values: [complementary, viewed_last_visit, viewed_ever, on_sale, repeat, fallback], meaning: "complementary: goes together with what was bought last (marts.product_affinity); viewed_last_visit, viewed_ever: viewed in the latest visit, or in the last 365 days, and not bought since; on_sale: of the customer's recommendations, what costs at most 90 % of what it did; repeat: of the recommendations, what was bought before; fallback: what everybody buys more of than usual, the same for all"}
  position:      {type: INTEGER, min: 1, max: 5, meaning: Place in the slot}
  product_id:    {type: VARCHAR, meaning: Product}
  because_of:    {type: VARCHAR, nullable: true, meaning: "Product of the customer that it goes with, or that speaks most for it"}
  score:         {type: DOUBLE, meaning: "What the slot is ranked by: lift_low; days from 1970 to the last view; share of the price that is saved; score of the recommendation; trend"}
  valid_until:   {type: DATE, meaning: "Last day to show it: the end of the reduced price if there is one within a week, else a week"}
tests:
  products_are_shown_once: |
    SELECT customer_id, product_id FROM marts.content_feed
    WHERE snapshot_date = $snapshot_date
    GROUP BY customer_id, product_id
    HAVING count(*) > 1
  positions_are_without_gaps: |
    SELECT customer_id, slot FROM marts.content_feed
    WHERE snapshot_date = $snapshot_date
    GROUP BY customer_id, slot
    HAVING max(position) <> count(*)
*/
WITH owned AS (
  SELECT customer_id, product_id, last_on, max(last_on) OVER (PARTITION BY customer_id) AS latest_on
  FROM features.customer_products
),
customers AS (
  SELECT DISTINCT customer_id
  FROM owned
  WHERE date_diff('day', latest_on, $snapshot_date) < 730
),
complements AS (
  SELECT
    owned.customer_id,
    pairs.other AS product_id,
    pairs.item AS because_of,
    pairs.lift_low AS score,
    row_number() OVER (PARTITION BY owned.customer_id, pairs.other ORDER BY pairs.lift_low DESC, pairs.item) AS place
  FROM owned
  JOIN marts.product_affinity AS pairs
    ON pairs.snapshot_date = $snapshot_date
    AND pairs.level = 'product'
    AND pairs.scope = 'basket'
    AND pairs.item = owned.product_id
  WHERE owned.last_on = owned.latest_on AND pairs.is_complementary
),
last_seen AS (
  SELECT customer_id, max(happened_at) AS happened_at
  FROM features.customer_events
  WHERE customer_id IS NOT NULL AND happened_on <= $snapshot_date
  GROUP BY customer_id
),
latest_visits AS (
  SELECT events.customer_id, min(events.visit_id) AS visit_id
  FROM features.customer_events AS events
  JOIN last_seen ON last_seen.customer_id = events.customer_id AND last_seen.happened_at = events.happened_at
  GROUP BY events.customer_id
),
views AS (
  SELECT
    events.customer_id,
    events.product_id,
    max(events.happened_on) AS viewed_on,
    max(CASE WHEN events.visit_id = latest_visits.visit_id THEN 1 ELSE 0 END) AS is_latest
  FROM features.customer_events AS events
  JOIN latest_visits ON latest_visits.customer_id = events.customer_id
  WHERE events.event = 'product_view'
    AND events.product_id IS NOT NULL
    AND events.happened_on <= $snapshot_date
    AND date_diff('day', events.happened_on, $snapshot_date) < 365
  GROUP BY events.customer_id, events.product_id
),
viewed AS (
  SELECT views.customer_id, views.product_id, views.viewed_on, views.is_latest
  FROM views
  LEFT JOIN owned ON owned.customer_id = views.customer_id AND owned.product_id = views.product_id
  WHERE owned.last_on IS NULL OR owned.last_on < views.viewed_on
),
paid AS (
  SELECT
    product_id,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY amount::DOUBLE / nullif(quantity::DOUBLE, 0)) AS usual,
    percentile_cont(0.5) WITHIN GROUP (
      ORDER BY CASE WHEN date_diff('day', occasion_on, $snapshot_date) < 7 THEN amount::DOUBLE / nullif(quantity::DOUBLE, 0) END
    ) AS lately
  FROM features.recent_lines
  WHERE product_id IS NOT NULL
    AND amount > 0
    AND quantity > 0
    AND date_diff('day', occasion_on, $snapshot_date) < 60
  GROUP BY product_id
),
prices AS (
  SELECT product_id, lately / nullif(usual, 0) AS ratio, NULL::DATE AS sale_until
  FROM paid
  WHERE lately IS NOT NULL
  UNION ALL
  SELECT product_id, sale_price::DOUBLE / nullif(list_price::DOUBLE, 0) AS ratio, sale_until::DATE AS sale_until
  FROM staging.products
  WHERE sale_price IS NOT NULL
    AND list_price IS NOT NULL
    AND (sale_from IS NULL OR sale_from::DATE <= $snapshot_date)
    AND (sale_until IS NULL OR sale_until::DATE > $snapshot_date)
),
reduced AS (
  SELECT product_id, min(ratio) AS ratio, min(sale_until) AS sale_until
  FROM prices
  WHERE ratio <= 0.9
  GROUP BY product_id
),
listed AS (
  SELECT customer_id, product_id, because_of, score, is_new, slot
  FROM marts.recommendations
  WHERE snapshot_date = $snapshot_date AND list IN ('repeat', 'cross_sell')
),
candidates AS (
  SELECT 1 AS place_of_slot, customer_id, product_id, because_of, score, NULL::DATE AS sale_until
  FROM complements
  WHERE place = 1
  UNION ALL
  SELECT
    CASE WHEN is_latest = 1 THEN 2 ELSE 3 END AS place_of_slot,
    customer_id,
    product_id,
    NULL::VARCHAR AS because_of,
    date_diff('day', DATE '1970-01-01', viewed_on)::DOUBLE AS score,
    NULL::DATE AS sale_until
  FROM viewed
  UNION ALL
  SELECT
    4 AS place_of_slot,
    listed.customer_id,
    listed.product_id,
    listed.because_of,
    1 - reduced.ratio AS score,
    reduced.sale_until
  FROM listed
  JOIN reduced ON reduced.product_id = listed.product_id
),
repeats AS (
  SELECT customer_id, product_id, because_of, score, slot
  FROM listed
  WHERE NOT is_new
),
lately AS (
  SELECT customer_id, product_id
  FROM owned
  WHERE date_diff('day', last_on, $snapshot_date) < 7
),
fitting AS (
  SELECT
    candidates.place_of_slot,
    candidates.customer_id,
    candidates.product_id,
    candidates.because_of,
    candidates.score,
    candidates.sale_until,
    row_number() OVER (
      PARTITION BY candidates.customer_id, candidates.product_id ORDER BY candidates.place_of_slot
    ) AS place
  FROM candidates
  JOIN customers ON customers.customer_id = candidates.customer_id
  LEFT JOIN staging.products AS products ON products.product_id = candidates.product_id
  LEFT JOIN lately ON lately.customer_id = candidates.customer_id AND lately.product_id = candidates.product_id
  WHERE coalesce(products.in_stock, TRUE) = TRUE
    AND coalesce(products.recommendable, TRUE) = TRUE
    AND lately.product_id IS NULL
),
first_slots AS (
  SELECT place_of_slot, customer_id, product_id, because_of, score, sale_until
  FROM fitting
  WHERE place = 1
),
placed AS (
  SELECT
    place_of_slot,
    customer_id,
    product_id,
    because_of,
    score,
    sale_until,
    row_number() OVER (
      PARTITION BY customer_id, place_of_slot ORDER BY floor(score * 10000000000 + 0.5) DESC, product_id
    ) AS position
  FROM first_slots
),
-- The list as it stands, for most; of who has one of its products in another slot, the others move up.
in_other_slots AS (
  SELECT DISTINCT first_slots.customer_id
  FROM first_slots
  JOIN repeats ON repeats.customer_id = first_slots.customer_id AND repeats.product_id = first_slots.product_id
),
repeated AS (
  SELECT repeats.customer_id, repeats.product_id, repeats.because_of, repeats.score, repeats.slot AS position
  FROM repeats
  LEFT JOIN in_other_slots ON in_other_slots.customer_id = repeats.customer_id
  WHERE in_other_slots.customer_id IS NULL AND repeats.slot <= 5
  UNION ALL
  SELECT
    repeats.customer_id,
    repeats.product_id,
    repeats.because_of,
    repeats.score,
    row_number() OVER (PARTITION BY repeats.customer_id ORDER BY repeats.slot, repeats.product_id) AS position
  FROM repeats
  JOIN in_other_slots ON in_other_slots.customer_id = repeats.customer_id
  LEFT JOIN first_slots
    ON first_slots.customer_id = repeats.customer_id AND first_slots.product_id = repeats.product_id
  WHERE first_slots.product_id IS NULL
),
trends AS (
  SELECT
    first_ten.product_id,
    first_ten.trend,
    row_number() OVER (ORDER BY floor(first_ten.trend * 10000000000 + 0.5) DESC, first_ten.product_id) AS place
  FROM (
    SELECT product_id, trend
    FROM features.product_trends
    WHERE occasions_30 >= 20
    ORDER BY floor(trend * 10000000000 + 0.5) DESC, occasions_90 DESC, product_id
    LIMIT 10
  ) AS first_ten
  LEFT JOIN staging.products AS products ON products.product_id = first_ten.product_id
  WHERE coalesce(products.in_stock, TRUE) = TRUE AND coalesce(products.recommendable, TRUE) = TRUE
),
-- Most customers are shown the first five. Others have one of the trends in another slot, or have just bought it.
taken AS (
  SELECT first_slots.customer_id, first_slots.product_id
  FROM first_slots
  JOIN trends ON trends.product_id = first_slots.product_id
  UNION ALL
  SELECT repeats.customer_id, repeats.product_id
  FROM repeats
  JOIN trends ON trends.product_id = repeats.product_id
  UNION ALL
  SELECT lately.customer_id, lately.product_id
  FROM lately
  JOIN trends ON trends.product_id = lately.product_id
),
takers AS (
  SELECT DISTINCT customer_id
  FROM taken
),
fallback AS (
  SELECT customers.customer_id, trends.product_id, trends.trend, trends.place AS position
  FROM customers
  LEFT JOIN takers ON takers.customer_id = customers.customer_id
  JOIN trends ON trends.place <= 5
  WHERE takers.customer_id IS NULL
  UNION ALL
  SELECT
    takers.customer_id,
    trends.product_id,
    trends.trend,
    row_number() OVER (PARTITION BY takers.customer_id ORDER BY trends.place) AS position
  FROM takers
  JOIN customers ON customers.customer_id = takers.customer_id
  CROSS JOIN trends
  LEFT JOIN taken ON taken.customer_id = takers.customer_id AND taken.product_id = trends.product_id
  WHERE taken.product_id IS NULL
),
shown AS (
  SELECT place_of_slot, customer_id, product_id, because_of, score, sale_until, position
  FROM placed
  WHERE position <= 5
  UNION ALL
  SELECT 5 AS place_of_slot, customer_id, product_id, because_of, score, NULL::DATE AS sale_until, position
  FROM repeated
  WHERE position <= 5
  UNION ALL
  SELECT
    6 AS place_of_slot,
    customer_id,
    product_id,
    NULL::VARCHAR AS because_of,
    trend AS score,
    NULL::DATE AS sale_until,
    position
  FROM fallback
  WHERE position <= 5
)
SELECT
  $snapshot_date AS snapshot_date,
  customer_id,
  CASE place_of_slot
    WHEN 1 THEN 'complementary'
    WHEN 2 THEN 'viewed_last_visit'
    WHEN 3 THEN 'viewed_ever'
    WHEN 4 THEN 'on_sale'
    WHEN 5 THEN 'repeat'
    ELSE 'fallback'
  END AS slot,
  position,
  product_id,
  because_of,
  score,
  least($snapshot_date + 7, coalesce(sale_until, $snapshot_date + 7)) AS valid_until
FROM shown
