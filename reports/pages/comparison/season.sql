/*
title: The same dates a year earlier
caption: Change from A to B, and over the same dates a year earlier
draw: {bars: factor, series: {change_year_earlier: pale, change: accent}}
columns:
  factor: Factor
  change_year_earlier: {label: A year earlier, kind: percent}
  change: {label: From A to B, kind: percent}
sentence: >-
  From A to B revenue {{ asked|rise("total_revenue") }}; over the same dates a year earlier it
  {{ earlier|rise("total_revenue") }}.
empty: >-
  {% if earlier is none or earlier.a_from is none or facts.lines.first_on is none %}Insufficient data: a season needs the same
  dates a year earlier.
  {%- elif earlier.status == "insufficient_data" %}Insufficient data: the same dates a year earlier begin on
  {{ earlier.a_from|day }}, the history on {{ facts.lines.first_on|day }}. What is season and what is not cannot be told yet.
  {%- endif %}
basis: >-
  n = {{ (asked.a_orders + asked.b_orders + earlier.a_orders + earlier.b_orders)|counted("order") }} ·
  {{ earlier.a_from|span(earlier.a_to) }} and {{ earlier.b_from|span(earlier.b_to) }}, beside
  {{ asked.a_from|span(asked.a_to) }} and {{ asked.b_from|span(asked.b_to) }}
*/
WITH pairs AS (
  SELECT *
  FROM marts.period_comparison
  WHERE snapshot_date = $snapshot_date AND status <> 'insufficient_data'
),
factors (place, factor, pair, a, b) AS (
  SELECT 1, 'Customers', pair, a_customers::DOUBLE, b_customers::DOUBLE FROM pairs
  UNION ALL
  SELECT 2, 'Orders per customer', pair, a_orders_per_customer, b_orders_per_customer FROM pairs
  UNION ALL
  SELECT 3, 'Order value', pair, a_order_value, b_order_value FROM pairs
  UNION ALL
  SELECT 4, 'Revenue', pair, a_total_revenue::DOUBLE, b_total_revenue::DOUBLE FROM pairs
),
rises AS (
  SELECT place, factor, pair, CASE WHEN a > 0 THEN b / a - 1 END AS rise FROM factors
)
SELECT earlier.factor, earlier.rise AS change_year_earlier, asked.rise AS change
FROM rises AS earlier
JOIN rises AS asked ON asked.place = earlier.place AND asked.pair = 'asked'
WHERE earlier.pair = 'year_earlier'
ORDER BY earlier.place
