/*
title: Where the change of revenue comes from
term: bennet-shapley
caption: Parts of the change of revenue
draw: {figure: waterfall, with: {step: part, amount: amount}}
columns:
  part: Part
  amount: {label: Amount, kind: money}
hidden: [told]
sentence: "{{ rows|revenue_split_sentence(currency) }}"
legend: {Revenue: accent, Adds: better, Takes away: worse}
empty: >-
  {% if facts.lines.first_on is none %}There was no order line by the end of {{ snapshot_date|day }}.
  {%- elif asked is none or asked.a_from is none %}Insufficient data: two periods need a history of two days.
  {%- else %}Insufficient data: the history goes from {{ facts.lines.first_on|day }} to {{ snapshot_date|day }}, and the
  periods asked for are not within it.{% endif %}
basis: >-
  n = {{ (asked.a_orders + asked.b_orders)|counted("order") }} · A {{ asked.a_from|span(asked.a_to) }},
  B {{ asked.b_from|span(asked.b_to) }}
note: "The rest: refunds, cancelled orders and charges of customers without an order that stands in the period."
*/
WITH asked AS (
  SELECT *, b_guest_revenue - a_guest_revenue AS guests, b_other_revenue - a_other_revenue AS rest
  FROM marts.period_comparison
  WHERE snapshot_date = $snapshot_date AND pair = 'asked' AND status <> 'insufficient_data'
)
SELECT 'Revenue in A' AS part, a_total_revenue AS amount, '' AS told FROM asked
UNION ALL
SELECT 'Customers', customers_effect, 'the number of customers' FROM asked
UNION ALL
SELECT 'Orders per customer', frequency_effect, 'orders per customer' FROM asked
UNION ALL
SELECT 'Order value', order_value_effect, 'order value' FROM asked
UNION ALL
SELECT 'Guests', guests, 'guests' FROM asked WHERE guests <> 0
UNION ALL
SELECT 'The rest', rest, 'the rest' FROM asked WHERE rest <> 0
UNION ALL
SELECT 'Revenue in B', b_total_revenue, '' FROM asked
