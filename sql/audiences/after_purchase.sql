/*
title: After a purchase, what goes with it
description: "Customers who bought in the last 14 days something that other products go with (marts.product_affinity) and who have not bought all of these in the last 365 days: what they bought, and up to three products that go with it. Whoever buys comes here and leaves win_back the same night; with mode: diff, that is a removal there and an addition here."
owner: team:crm
advice: Speak of the product that was bought, and offer what goes with it; no discount.
csv: true
catalogue: after_purchase
each: campaign
values: |
  SELECT 'complements' AS campaign
  WHERE EXISTS (
    SELECT 1 FROM marts.product_affinity
    WHERE snapshot_date = $snapshot_date AND level = 'product' AND is_complementary
  )
columns:
  customer_id:   {type: VARCHAR, meaning: Customer of the shop}
  bought_on:     {type: DATE, meaning: Day of the purchase}
  product_id:    {type: VARCHAR, meaning: "Product bought: of those that something goes with the last, of a day the one the customer spent most on"}
  label:         {type: VARCHAR, meaning: What it is called}
  complement_1:  {type: VARCHAR, meaning: Product that goes with it most surely}
  label_1:       {type: VARCHAR, meaning: What it is called}
  complement_2:  {type: VARCHAR, nullable: true, meaning: The second}
  label_2:       {type: VARCHAR, nullable: true, meaning: What it is called}
  complement_3:  {type: VARCHAR, nullable: true, meaning: The third}
  label_3:       {type: VARCHAR, nullable: true, meaning: What it is called}
*/
WITH bought AS (
  SELECT customer_id, attribute AS product_id, last_on, spend
  FROM marts.attribute_segments
  WHERE snapshot_date = $snapshot_date AND dimension = 'product'
),
pairs AS (
  SELECT item, other, max(lift_low) AS lift_low
  FROM marts.product_affinity
  WHERE snapshot_date = $snapshot_date AND level = 'product' AND is_complementary
  GROUP BY item, other
),
offers AS (
  SELECT
    bought.customer_id,
    bought.product_id,
    bought.last_on,
    pairs.other,
    dense_rank() OVER (
      PARTITION BY bought.customer_id ORDER BY bought.last_on DESC, bought.spend DESC, bought.product_id
    ) AS purchase,
    row_number() OVER (
      PARTITION BY bought.customer_id, bought.product_id ORDER BY pairs.lift_low DESC, pairs.other
    ) AS place
  FROM bought
  JOIN pairs ON pairs.item = bought.product_id
  WHERE date_diff('day', bought.last_on, $snapshot_date) < 14
    AND NOT EXISTS (
      SELECT 1 FROM bought AS known WHERE known.customer_id = bought.customer_id AND known.product_id = pairs.other
    )
)
SELECT
  'complements' AS campaign,
  offers.customer_id,
  offers.last_on AS bought_on,
  offers.product_id,
  coalesce(min(named.label), offers.product_id) AS label,
  max(offers.other) FILTER (offers.place = 1) AS complement_1,
  max(coalesce(names.label, offers.other)) FILTER (offers.place = 1) AS label_1,
  max(offers.other) FILTER (offers.place = 2) AS complement_2,
  max(coalesce(names.label, offers.other)) FILTER (offers.place = 2) AS label_2,
  max(offers.other) FILTER (offers.place = 3) AS complement_3,
  max(coalesce(names.label, offers.other)) FILTER (offers.place = 3) AS label_3
FROM offers
LEFT JOIN marts.product_names AS names
  ON names.snapshot_date = $snapshot_date AND names.product_id = offers.other
LEFT JOIN marts.product_names AS named
  ON named.snapshot_date = $snapshot_date AND named.product_id = offers.product_id
WHERE offers.purchase = 1
GROUP BY offers.customer_id, offers.product_id, offers.last_on
