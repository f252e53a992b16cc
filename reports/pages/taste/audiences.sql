/*
title: Audiences by what customers buy
term: audiences
draw: table
columns:
  label: Audiences
  files: {label: Files, kind: count}
  large: {label: Lists large enough, kind: count}
  valued: {label: All lists, kind: count}
  most: {label: Most customers, kind: count}
  least: {label: Fewest in a file, kind: count}
hidden: [minimum_size, most_values, chosen, asked, customers]
let:
  files: sum(files)::BIGINT
  cut: count(*) FILTER (large > files)
  limits: any_value(rows)
  chosen: max(chosen)
sentence: >-
  {{ files|counted("file") }}: of each list with at least {{ limits.minimum_size|counted("customer") }}, and of products,
  categories, places and channels of the first {{ limits.most_values|count }}{% if cut %}, which leaves out some that are large
  enough{% endif %}.{% if limits.asked %} Of {{ limits.asked|counted("product") }} that the settings choose,
  {{ (chosen or 0)|count }} {{ "has" if chosen == 1 else "have" }} customers.{% endif %}
empty: Nobody has bought a product or a category in 365 days that could have an audience.
basis: n = {{ limits.customers|counted("customer") }} · {{ known.first_on|span(snapshot_date) }}
note: >-
  In data/audiences/{{ snapshot_date }}/. How many customers a file needs, and how many lists have one, is set by the shop;
  customers who are due and those to win back have files of their own.
file: {table: audience_values, where: all lists}
*/
WITH settings AS (
  SELECT
    audience_minimum_size AS minimum_size,
    audience_most_values AS most_values,
    length(audience_products) - length(replace(audience_products, '|', '')) - 1 AS asked
  FROM params.settings
)
SELECT
  CASE listed.dimension
    WHEN 'product' THEN 'Bought a product'
    WHEN 'category' THEN 'Bought a category'
    WHEN 'price_band' THEN 'Mostly of a price band'
    WHEN 'place' THEN 'Bought at a place'
    WHEN 'channel' THEN 'Bought through a channel'
    WHEN 'taste' THEN 'In a taste group'
    WHEN 'cross_sell' THEN 'To be offered a product'
    WHEN 'up_sell' THEN 'To be offered a more expensive one'
    ELSE 'In a stage of a need'
  END AS label,
  count(*) FILTER (listed.is_published) AS files,
  count(*) FILTER (listed.customers >= settings.minimum_size) AS large,
  count(*) AS valued,
  max(listed.customers) AS most,
  min(listed.customers) FILTER (listed.is_published) AS least,
  settings.minimum_size, settings.most_values,
  count(*) FILTER (listed.is_chosen AND listed.dimension = 'product') AS chosen,
  settings.asked,
  (SELECT count(DISTINCT customer_id) FROM marts.attribute_segments WHERE snapshot_date = $snapshot_date) AS customers
FROM marts.audience_values AS listed
CROSS JOIN settings
WHERE listed.snapshot_date = $snapshot_date
GROUP BY listed.dimension, settings.minimum_size, settings.most_values, settings.asked
ORDER BY label
