/*
title: By what customers buy
description: "Customers who bought a product, a category, at a place or through a channel in the last 365 days, or whose main price band it is: one audience for each value that marts.audience_values lists as published. The column is_main tells for whom it is the main one."
owner: team:crm
advice: Filter on is_main for those who mostly buy it, and on last_on for how long ago that was.
each: [dimension, file_name]
values: |
  SELECT dimension, file_name
  FROM marts.audience_values
  WHERE snapshot_date = $snapshot_date AND is_published
    AND dimension IN ('product', 'category', 'price_band', 'place', 'channel')
columns:
  customer_id:        {type: VARCHAR, meaning: Customer of the shop}
  attribute:          {type: VARCHAR, meaning: "Product, category, price band, place or channel"}
  label:              {type: VARCHAR, meaning: "The name of the product; of a price band what it is and what its lines came to on average; else the attribute"}
  occasions:          {type: BIGINT, unit: occasions, min: 1, meaning: Days on which the customer bought it}
  spend:              {type: "DECIMAL(18,2)", unit: currency, meaning: "What these purchases came to, before refunds"}
  share_of_occasions: {type: DOUBLE, unit: share, min: 0, max: 1, meaning: occasions as a share of all of the customer's days}
  share_of_spend:     {type: DOUBLE, unit: share, nullable: true, meaning: spend as a share of all of the customer's}
  last_on:            {type: DATE, meaning: Day on which it was bought last}
  is_main:            {type: BOOLEAN, meaning: "Whether it is the customer's main product, category, price band, place or channel"}
*/
WITH bands AS (
  SELECT attribute, sum(spend) / sum(lines) AS mean_spend
  FROM marts.attribute_segments
  WHERE snapshot_date = $snapshot_date AND dimension = 'price_band'
  GROUP BY attribute
)
SELECT
  listed.dimension,
  listed.file_name,
  bought.customer_id,
  bought.attribute,
  CASE
    WHEN listed.dimension = 'price_band' THEN
      CASE bought.attribute WHEN '1' THEN 'cheapest' WHEN '2' THEN 'middle' ELSE 'dearest' END
      || ' third of each category, ' || format('{:.2f}', bands.mean_spend) || ' a line on average'
    ELSE coalesce(names.label, bought.attribute)
  END AS label,
  bought.occasions,
  bought.spend,
  bought.share_of_occasions,
  bought.share_of_spend,
  bought.last_on,
  bought.is_main
FROM marts.audience_values AS listed
JOIN marts.attribute_segments AS bought USING (snapshot_date, dimension, attribute)
LEFT JOIN marts.product_names AS names
  ON names.snapshot_date = listed.snapshot_date AND names.product_id = bought.attribute AND listed.dimension = 'product'
LEFT JOIN bands ON bands.attribute = bought.attribute AND listed.dimension = 'price_band'
WHERE listed.snapshot_date = $snapshot_date AND listed.is_published AND (bought.is_main OR listed.dimension <> 'price_band')
