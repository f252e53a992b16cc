/*
description: "What each customer bought in the last 365 days, by product, category, price band, place and channel, and which of these is the customer's main one. Audiences are conditions on these rows: bought a product, buys a category mostly, shops at a place. Of orders that stand; what the list of products calls not recommendable is left out."
grain: [snapshot_date, customer_id, dimension, attribute]
owner: team:crm
columns:
  snapshot_date:      {type: DATE, meaning: The day whose end the row describes}
  customer_id:        {type: VARCHAR, meaning: Customer of the shop}
  dimension:          {type: VARCHAR, values: [product, category, price_band, place, channel], meaning: What the attribute is}
  attribute:          {type: VARCHAR, meaning: "Product, category, place (store, else region), channel in lower case, or price band: 1, 2 or 3, the cheapest, middle and dearest third of the products of a category by the median price paid; none in categories of fewer than six priced products"}
  lines:              {type: BIGINT, unit: order lines, min: 1, meaning: Lines with the attribute}
  occasions:          {type: BIGINT, unit: occasions, min: 1, meaning: Days on which the customer bought it}
  spend:              {type: "DECIMAL(18,2)", unit: currency, meaning: "What these lines came to, before refunds"}
  share_of_occasions: {type: DOUBLE, unit: share, min: 0, max: 1, meaning: "occasions as a share of all of the customer's days with a line of a product; several attributes of a day count for each, so shares need not add up to 1"}
  share_of_spend:     {type: DOUBLE, unit: share, nullable: true, meaning: "spend as a share of the spend of all of the customer's lines; null where that is not above 0"}
  last_on:            {type: DATE, meaning: Day on which it was bought last}
  is_main:            {type: BOOLEAN, meaning: "The one with the most occasions (price band: the most spend), if it has half of them and at least three (price band: half of the spend of the lines with a band, and the customer five such lines); of equals the one bought on more days of the last 90, then the lower name"}
tests:
  one_main_of_each: |
    SELECT customer_id, dimension FROM marts.attribute_segments
    WHERE snapshot_date = $snapshot_date AND is_main
    GROUP BY customer_id, dimension
    HAVING count(*) > 1
  nothing_before_the_window: |
    SELECT customer_id, dimension, attribute FROM marts.attribute_segments
    WHERE snapshot_date = $snapshot_date AND date_diff('day', last_on, $snapshot_date) >= 365
*/
WITH recent AS (
  SELECT customer_id, occasion_on, product_id, category, channel, place, amount
  FROM features.recent_lines
),
attributed AS (
  SELECT 'product' AS dimension, customer_id, product_id AS attribute, occasion_on, amount FROM recent WHERE product_id IS NOT NULL
  UNION ALL
  SELECT 'category' AS dimension, customer_id, category AS attribute, occasion_on, amount FROM recent WHERE category IS NOT NULL
  UNION ALL
  SELECT 'place' AS dimension, customer_id, place AS attribute, occasion_on, amount FROM recent WHERE place IS NOT NULL
  UNION ALL
  SELECT 'channel' AS dimension, customer_id, channel AS attribute, occasion_on, amount FROM recent WHERE channel IS NOT NULL
  UNION ALL
  SELECT 'price_band' AS dimension, recent.customer_id, bands.band::VARCHAR AS attribute, recent.occasion_on, recent.amount
  FROM recent
  JOIN features.price_bands AS bands ON bands.category = recent.category AND bands.product_id = recent.product_id
),
days AS (
  SELECT dimension, customer_id, attribute, occasion_on, count(*) AS lines, sum(amount) AS spend
  FROM attributed
  GROUP BY dimension, customer_id, attribute, occasion_on
),
segments AS (
  SELECT
    dimension,
    customer_id,
    attribute,
    sum(lines)::BIGINT AS lines,
    count(*) AS occasions,
    count(*) FILTER (WHERE date_diff('day', occasion_on, $snapshot_date) < 90) AS late_occasions,
    sum(spend) AS spend,
    max(occasion_on) AS last_on
  FROM days
  GROUP BY dimension, customer_id, attribute
),
totals AS (
  SELECT customer_id, count(DISTINCT occasion_on) AS occasions, sum(amount) AS spend
  FROM recent
  GROUP BY customer_id
),
banded AS (
  SELECT customer_id, sum(lines) AS lines, sum(spend) AS spend
  FROM segments
  WHERE dimension = 'price_band'
  GROUP BY customer_id
),
judged AS (
  SELECT
    segments.dimension,
    segments.customer_id,
    segments.attribute,
    segments.lines,
    segments.occasions,
    segments.late_occasions,
    segments.spend,
    segments.last_on,
    totals.occasions AS all_occasions,
    totals.spend AS all_spend,
    CASE
      WHEN segments.dimension = 'price_band' THEN banded.lines >= 5 AND banded.spend > 0 AND 2 * segments.spend >= banded.spend
      ELSE segments.occasions >= 3 AND 2 * segments.occasions >= totals.occasions
    END AS is_large
  FROM segments
  JOIN totals ON totals.customer_id = segments.customer_id
  LEFT JOIN banded ON banded.customer_id = segments.customer_id AND segments.dimension = 'price_band'
),
-- The first of a dimension is large if any is: only the few that are large need be ranked.
placed AS (
  SELECT
    dimension,
    customer_id,
    attribute,
    lines,
    occasions,
    spend,
    last_on,
    all_occasions,
    all_spend,
    row_number() OVER (
      PARTITION BY customer_id, dimension
      ORDER BY
        CASE WHEN dimension = 'price_band' THEN spend ELSE occasions END DESC,
        late_occasions DESC,
        attribute
    ) AS place
  FROM judged
  WHERE is_large
  UNION ALL
  SELECT
    dimension,
    customer_id,
    attribute,
    lines,
    occasions,
    spend,
    last_on,
    all_occasions,
    all_spend,
    2 AS place
  FROM judged
  WHERE NOT is_large
)
SELECT
  $snapshot_date AS snapshot_date,
  customer_id,
  dimension,
  attribute,
  lines,
  occasions,
  spend,
  occasions::DOUBLE / nullif(all_occasions, 0) AS share_of_occasions,
  CASE WHEN all_spend > 0 THEN spend::DOUBLE / nullif(all_spend::DOUBLE, 0) END AS share_of_spend,
  last_on,
  place = 1 AS is_main
FROM placed
