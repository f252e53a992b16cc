/*
title: Where the change of revenue comes from
term: bennet-shapley
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
SELECT parts.part, parts.amount, parts.told
FROM marts.period_comparison AS asked
CROSS JOIN (
  VALUES
    (1, 'Revenue in A', asked.a_total_revenue, ''),
    (2, 'Customers', asked.customers_effect, 'the number of customers'),
    (3, 'Orders per customer', asked.frequency_effect, 'orders per customer'),
    (4, 'Order value', asked.order_value_effect, 'order value'),
    (5, 'Guests', asked.b_guest_revenue - asked.a_guest_revenue, 'guests'),
    (6, 'The rest', asked.b_other_revenue - asked.a_other_revenue, 'the rest'),
    (7, 'Revenue in B', asked.b_total_revenue, '')
) AS parts (place, part, amount, told)
WHERE asked.snapshot_date = $snapshot_date AND asked.pair = 'asked' AND asked.status <> 'insufficient_data'
  AND (parts.place NOT IN (5, 6) OR parts.amount <> 0)
ORDER BY parts.place
