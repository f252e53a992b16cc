/*
title: What changed revenue
term: bennet-shapley
each: {key: period_kind, label: kinds}
switch: period
draw:
  columns: starts_on
  series: {order_number_effect: part-1, order_value_effect: part-2, other_effect: part-3}
  stack: true
  paler: is_not_whole
columns:
  starts_on: From
  is_complete: Whole
  order_number_effect: Number of orders
  order_value_effect: Order value
  other_effect: Refunds and the rest
hidden: [orders, revenue, is_not_whole, period, period_kind, kinds, ends_on]
let:
  orders: sum(orders)
hover: "{{ period }}<br>{{ series }}: {{ value|change_of('money') }}"
sentence: "{{ rows|effects_sentence(currency) }}"
basis: n = {{ orders|counted("order") }} · {{ rows|calendar_span(facts.lines.first_on, snapshot_date) }}
*/
SELECT
  starts_on, is_complete, order_number_effect, order_value_effect, other_effect, orders, revenue, is_not_whole, period,
  period_kind, kinds, ends_on
FROM periods
WHERE is_shown
ORDER BY place, starts_on
