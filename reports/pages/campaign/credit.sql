/*
title: Revenue by model
term: credit
draw: {bars: model, series: {revenue: accent}}
columns:
  model: Model
  revenue: {label: Attributed revenue, kind: money}
  refunds: {label: "Of it, paid back", kind: money}
  orders: {label: Orders, kind: number}
  orders_touched: {label: "Orders, also in part", kind: count}
  buyers: {label: Buyers, kind: count}
  order_value_median: {label: Median order, kind: money}
  revenue_per_message: {label: Revenue a message, kind: money}
  orders_with_coupon: {label: With its coupon, kind: count}
  is_final: {label: Final}
hidden: [campaign_id, is_additive, touched]
let:
  least: min_by(rows, revenue)
  most: max_by(rows, revenue)
  orders: max(touched)
sentence: >-
  {% if most.revenue == least.revenue %}Every model attributes {{ most.revenue|money }} to it, attributed and not caused.{% else
  %}By model it is {{ least.revenue|money }} ({{ least.model|lower }}) to {{ most.revenue|money }} ({{ most.model|lower }}): a
  question of how orders are shared out, not of what the campaign caused.{% endif %}
empty: No order followed a click on it within its window, and the shop attributes none to it.
basis: n = {{ orders|counted("order") }} touched · {{ each.first_on|span(snapshot_date) }}
*/
SELECT
  campaign_id,
  CASE model
    WHEN 'last_touch' THEN 'Last click' WHEN 'first_touch' THEN 'First click' WHEN 'linear' THEN 'All clicks alike'
    WHEN 'position_based' THEN 'First and last most' WHEN 'time_decay' THEN 'Late clicks more'
    WHEN 'as_recorded' THEN 'As the shop recorded it' ELSE 'Every order after a click'
  END AS model,
  revenue, refunds, orders, orders_touched, buyers, order_value_median, revenue_per_message, orders_with_coupon,
  is_final, is_additive,
  max(orders_touched) OVER (PARTITION BY campaign_id) AS touched
FROM marts.campaign_performance AS performance
WHERE snapshot_date = $snapshot_date AND campaign_id IN (SELECT unnest($campaign_ids)) AND eligibility = 'click'
QUALIFY max(orders) OVER (PARTITION BY campaign_id) > 0
ORDER BY
  CASE performance.model
    WHEN 'last_touch' THEN 1 WHEN 'first_touch' THEN 2 WHEN 'linear' THEN 3 WHEN 'position_based' THEN 4
    WHEN 'time_decay' THEN 5 WHEN 'as_recorded' THEN 6 ELSE 7
  END
