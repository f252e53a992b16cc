/*
description: "What audiences there are by what customers buy: each product, category, price band, place, channel, taste group, product to offer and stage of a need, with how many customers it has and whether files are made of it. Files are made of the values with the most customers: at least audiences.minimum_size and at most audiences.most_values of a dimension, and of every product of audiences.products; of every price band, taste group and stage that has the size, stages whatever their size."
grain: [snapshot_date, dimension, attribute]
owner: team:crm
columns:
  snapshot_date: {type: DATE, meaning: The day whose end the row describes}
  dimension:     {type: VARCHAR, values: [product, category, price_band, place, channel, taste, cross_sell, up_sell, need], meaning: "What the attribute is; also the folder of the audience's files. cross_sell, up_sell: a product that customers do not have and are recommended by that list"}
  attribute:     {type: VARCHAR, meaning: "Product, category, place, channel, number of the price band or taste group; of a need the rule, a colon and the stage"}
  customers:     {type: BIGINT, unit: customers, min: 1, meaning: "Customers of the audience: who bought it in the last 365 days, whose main price band it is, who is in the group or the stage, or in whose list of that name it stands"}
  place:         {type: BIGINT, unit: rank, min: 1, meaning: "1 = the most customers of the dimension; of equal ones, the lower name first"}
  is_chosen:     {type: BOOLEAN, meaning: Whether the settings name the product}
  is_published:  {type: BOOLEAN, meaning: Whether there is a file of it}
  file_name:     {type: VARCHAR, meaning: "What its file is called: the attribute in small letters, digits and _, with the start of its MD5 where that is shared, empty or long"}
tests:
  a_file_is_of_one_value: |
    SELECT dimension, file_name FROM marts.audience_values
    WHERE snapshot_date = $snapshot_date
    GROUP BY dimension, file_name
    HAVING count(*) > 1
*/
WITH members AS (
  SELECT dimension, attribute, count(*) AS customers
  FROM marts.attribute_segments
  WHERE snapshot_date = $snapshot_date AND (dimension <> 'price_band' OR is_main = TRUE)
  GROUP BY dimension, attribute
  UNION ALL
  SELECT 'taste' AS dimension, group_no::VARCHAR AS attribute, count(*) AS customers
  FROM marts.taste_groups
  WHERE snapshot_date = $snapshot_date
  GROUP BY group_no
  UNION ALL
  SELECT list AS dimension, product_id AS attribute, count(*) AS customers
  FROM marts.recommendations
  WHERE snapshot_date = $snapshot_date AND list IN ('cross_sell', 'up_sell')
  GROUP BY list, product_id
  UNION ALL
  SELECT 'need' AS dimension, rule || ': ' || stage AS attribute, count(*) AS customers
  FROM marts.need_stages
  WHERE snapshot_date = $snapshot_date
  GROUP BY rule || ': ' || stage
),
ranked AS (
  SELECT
    dimension,
    attribute,
    customers,
    row_number() OVER (PARTITION BY dimension ORDER BY customers DESC, attribute) AS place,
    CASE dimension
      WHEN 'price_band' THEN 'band_'
      WHEN 'taste' THEN 'group_'
      ELSE ''
    END || regexp_replace(regexp_replace(lower(attribute), '[^a-z0-9]+', '_', 'g'), '^_+|_+$', '', 'g') AS slug
  FROM members
),
named AS (
  SELECT
    ranked.dimension,
    ranked.attribute,
    ranked.customers,
    ranked.place,
    ranked.slug,
    count(*) OVER (PARTITION BY ranked.dimension, ranked.slug) AS sharing,
    ranked.customers >= settings.audience_minimum_size AS is_large,
    ranked.place <= settings.audience_most_values AS is_among_the_first,
    ranked.dimension IN ('product', 'cross_sell', 'up_sell')
    AND replace(settings.audience_products, '|' || ranked.attribute || '|', '') <> settings.audience_products
      AS is_chosen
  FROM ranked
  CROSS JOIN params.settings AS settings
)
SELECT
  $snapshot_date AS snapshot_date,
  dimension,
  attribute,
  customers,
  place,
  is_chosen,
  CASE
    WHEN dimension = 'need' OR is_chosen = TRUE THEN TRUE
    WHEN dimension IN ('price_band', 'taste') THEN is_large
    ELSE is_large = TRUE AND is_among_the_first = TRUE
  END AS is_published,
  CASE
    WHEN slug = '' THEN 'value_' || substring(md5(attribute), 1, 8)
    WHEN sharing > 1 OR length(slug) > 60 THEN substring(slug, 1, 50) || '_' || substring(md5(attribute), 1, 8)
    ELSE slug
  END AS file_name
FROM named
