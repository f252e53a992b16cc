/*
title: Net revenue by place
draw: table
columns:
  place: Place
  place_kind: {label: Kind, missing: unknown}
  net:
  share_of_net: Share
  gross: Sales
  refunds:
  orders:
  buyers:
  new_buyers: Of these, first purchase at all
  top_buyer_share: Largest buyer
  repeat_rate_180: Bought there again
hidden: [all_places]
let:
  best: max_by(rows, net)
  places: any_value(all_places)
  shown: count(*)
sentence: >-
  {{ best.place }} brings most: {{ best.net|money }} net in the last 365 days, {{
  best.share_of_net|percent }} of all{% if places > shown %};
  the {{ shown }} places with the highest net of {{ places }} are shown{% endif %}.
empty: No order of the last 365 days names a store, a region or a country. An export of orders with them would.
basis: n = {{ known.orders|counted("order") }} · {{ known.first_on|span(snapshot_date) }}
note: >-
  A place is the store of an order line, else its region, else its country. Where the largest buyer has most of the sales,
  the place is one customer. Bought there again: within 180 days, of at least 30 buyers who were watched so long.
*/
SELECT
  place, place_kind, net, share_of_net, gross, refunds, orders, buyers, new_buyers, top_buyer_share, repeat_rate_180,
  count(*) OVER () AS all_places
FROM marts.place_performance
WHERE snapshot_date = $snapshot_date AND period_days = 365
  AND EXISTS (
    SELECT 1 FROM marts.place_performance
    WHERE snapshot_date = $snapshot_date AND period_days = 365 AND place_kind IS NOT NULL
  )
ORDER BY net_rank
LIMIT 15
