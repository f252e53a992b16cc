/*
title: The same dates a year earlier
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
  {{ earlier.a_from|day }}, the history on {{ facts.lines.first_on|day }}. What is season and what is not is unknown yet.
  {%- endif %}
basis: >-
  n = {{ (asked.a_orders + asked.b_orders + earlier.a_orders + earlier.b_orders)|counted("order") }} ·
  {{ earlier.a_from|span(earlier.a_to) }} and {{ earlier.b_from|span(earlier.b_to) }}, beside
  {{ asked.a_from|span(asked.a_to) }} and {{ asked.b_from|span(asked.b_to) }}
*/
WITH rises AS (
  SELECT
    factors.place, factors.factor, pairs.pair,
    CASE WHEN factors.a > 0 THEN factors.b / factors.a - 1 END AS rise
  FROM marts.period_comparison AS pairs
  CROSS JOIN (
    VALUES
      (1, 'Customers', pairs.a_customers::DOUBLE, pairs.b_customers::DOUBLE),
      (2, 'Orders per customer', pairs.a_orders_per_customer, pairs.b_orders_per_customer),
      (3, 'Order value', pairs.a_order_value, pairs.b_order_value),
      (4, 'Revenue', pairs.a_total_revenue, pairs.b_total_revenue)
  ) AS factors (place, factor, a, b)
  WHERE pairs.snapshot_date = $snapshot_date AND pairs.status <> 'insufficient_data'
)
SELECT earlier.factor, earlier.rise AS change_year_earlier, asked.rise AS change
FROM rises AS earlier
JOIN rises AS asked ON asked.place = earlier.place AND asked.pair = 'asked'
WHERE earlier.pair = 'year_earlier'
ORDER BY earlier.place
