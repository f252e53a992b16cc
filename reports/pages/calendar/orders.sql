/*
title: Orders and their value
term: order
each: {key: period_kind, label: kinds}
switch: period
draw:
  columns: starts_on
  series: {orders: accent}
  paler: is_not_whole
columns:
  starts_on: From
  is_complete: Whole
  orders: Orders, guests included
  buyers: {label: Buyers, kind: count}
  items: Items
  mean_order_value: Mean order value
hidden: [is_not_whole, period, period_kind, kinds, ends_on]
let:
  orders: sum(orders)
hover: "{{ period }}<br>{{ orders|counted('order') }}{% if orders %}, {{ mean_order_value|money }} each{% endif %}"
sentence: "{{ rows|orders_sentence }} {{ rows|order_value_sentence(currency) }}"
basis: n = {{ orders|counted("order") }} · {{ rows|calendar_span(facts.lines.first_on, snapshot_date) }}
*/
SELECT
  starts_on, is_complete, orders, buyers, items, mean_order_value, is_not_whole, period, period_kind, kinds, ends_on
FROM periods
WHERE is_shown
ORDER BY place, starts_on
