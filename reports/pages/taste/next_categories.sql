/*
title: Most likely next category
term: next-categories
draw: {bars: category, series: {customers: accent}}
columns:
  category: Category
  customers: {label: Customers for whom it is the most likely, kind: count}
  share: {label: Of all, kind: percent}
  probability: {label: Their mean chance, kind: percent}
  base_rate: {label: Of all purchases of 90 days, kind: percent}
  own_past: {label: Of them have bought it, kind: percent}
hidden: [all_customers, all_categories, status]
let:
  best: max_by(rows, customers)
  shown: count(*)
hover: "{{ category }}<br>{{ customers|counted('customer') }}, mean chance {{ probability|percent }}"
sentence: >-
  {% if best.status == "ok" and best.share >= 0.95 %}{{ best.category }} is the most likely next category of nearly everybody
  ({{ best.customers|count }} of {{ best.all_customers|counted("customer") }}), with a mean chance of
  {{ best.probability|percent }}: what customers bought before says little of what comes next.{% elif best.status == "ok" %}{{
  best.category }} is the most likely next category of {{ best.customers|counted("customer") }},
  {{ best.share|percent }} of all, with a mean chance of {{ best.probability|percent }}; it is in {{ best.base_rate|percent }}
  of all purchases of the last 90 days.{% else %}Everybody has the shop's rate, which predicted the past as well: {{
  best.category }} comes first with {{ best.probability|percent }}.{% endif %}
empty: >-
  {% if not known.categories %}No order line names a category and there is no list of products that does, so nothing is
  said of the next one.{% elif next.categories is not none and next.categories < 5 %}There are {{ next.categories|count }}
  categories; it takes five to say something of the next one.{% elif next.without is not none and next.without >= 0.3
  %}{{ next.without|percent }} of the lines name no category; with 30% or more nothing is said of the next one.{% elif
  next.customers is not none and next.customers < 200 %}Only {{ next.customers|counted("customer") }} who had bought by
  {{ next.origin|day }} bought since; it takes 200 to try a forecast of the next category on.{% else %}Nobody has bought
  for 90 days, so nothing is said of the next category.{% endif %}
basis: n = {{ best.all_customers|counted("customer") }} · {{ known.first_on|span(snapshot_date) }}
*/
WITH likeliest AS (
  SELECT
    category,
    count(*) AS customers,
    avg(probability) AS probability,
    max(base_rate) AS base_rate,
    avg(CASE WHEN occasions_with > 0 THEN 1 ELSE 0 END) AS own_past,
    any_value(status) AS status
  FROM marts.next_categories
  WHERE snapshot_date = $snapshot_date AND rank = 1
  GROUP BY category
)
SELECT
  category, customers,
  customers / sum(customers) OVER () AS share,
  probability, base_rate, own_past,
  sum(customers) OVER ()::BIGINT AS all_customers,
  count(*) OVER () AS all_categories,
  status
FROM likeliest
ORDER BY customers DESC, category
LIMIT 15
