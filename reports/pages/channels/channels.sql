/*
title: Net revenue by channel
draw: {bars: channel, series: {net: accent}}
columns:
  channel: {label: Channel, say: channel_name}
  net:
  share_of_net: Share
  gross: Sales
  refunds:
  orders:
  buyers:
  new_buyers: Of these, first purchase at all
  margin_share: Margin
let:
  best: max_by(rows, net)
  channels: count(*)
  net: sum(net)
hover: "{{ channel|channel_name }}<br>{{ net|money }} net, {{ orders|counted('order') }}, {{ buyers|counted('buyer') }}"
sentence: >-
  {% if channels == 1 %}All {{ net|money }} net came through one channel, {{ best.channel|channel_name }}.{% else
  %}{{ best.channel|channel_name }} brings most: {{ best.net|money }} net in the last 365 days, {{
  best.share_of_net|percent }} of {{ net|money }}.{% endif %}
empty: No order of the last 365 days names the channel it came by. An export of orders with it would.
basis: n = {{ known.orders|counted("order") }} · {{ known.first_on|span(snapshot_date) }}
note: Net is sales less refunds, each on its own day, guests included. Orders without a channel are unknown.
*/
SELECT channel, net, share_of_net, gross, refunds, orders, buyers, new_buyers, margin_share
FROM marts.channel_performance
WHERE snapshot_date = $snapshot_date AND period_days = 365
  AND EXISTS (
    SELECT 1 FROM marts.channel_performance
    WHERE snapshot_date = $snapshot_date AND period_days = 365 AND channel <> 'unknown'
  )
ORDER BY net_rank
