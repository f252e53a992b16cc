/*
title: Channel of the next order
term: channel-propensity
draw: {bars: channel, series: {likeliest_share: accent, base_share: pale}}
columns:
  channel: {label: Channel, say: channel_name}
  customers: {label: Customers whose most likely it is, kind: count}
  likeliest_share: {label: Of all customers, kind: percent}
  share: {label: Its mean chance for them, kind: percent}
  base_share: {label: Of all orders, kind: percent}
hidden: [all_customers, orders, prior_weight]
let:
  best: max_by(rows, customers)
  n: max(orders)
hover: "{{ channel|channel_name }}<br>{{ series }}: {{ shown }}<br>{{ customers|counted('customer') }}"
sentence: >-
  {% if best.prior_weight is none %}Customers keep to no channel more than chance makes them: expect
  {{ best.base_share|percent }} of the next orders by {{ best.channel|channel_name }} from everybody.{% else %}Customers keep to their
  channels. {{ best.channel|channel_name }} is the most likely one for {{ best.customers|counted("customer") }}, with a mean
  chance of {{ best.share|percent }}.{% endif %}
empty: No order of the last 730 days names its source and medium, or its sales channel.
basis: n = {{ n|counted("order") }} · {{ ascribed.propensity_from|span(snapshot_date) }}
*/
WITH base AS (
  SELECT channel, share AS base_share, n
  FROM marts.channel_propensity
  WHERE snapshot_date = $snapshot_date AND customer_id = '(all)'
),
likeliest AS (
  SELECT channel, count(*) AS customers, avg(share) AS share, max(prior_weight) AS prior_weight
  FROM marts.channel_propensity
  WHERE snapshot_date = $snapshot_date AND customer_id <> '(all)' AND rank = 1
  GROUP BY channel
)
SELECT
  base.channel,
  coalesce(likeliest.customers, 0) AS customers,
  coalesce(likeliest.customers, 0) / (sum(likeliest.customers) OVER ())::DOUBLE AS likeliest_share,
  likeliest.share, base.base_share,
  (sum(likeliest.customers) OVER ())::BIGINT AS all_customers,
  base.n AS orders,
  likeliest.prior_weight
FROM base
LEFT JOIN likeliest ON likeliest.channel = base.channel
ORDER BY customers DESC, base.base_share DESC, channel
