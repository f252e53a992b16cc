/*
title: The movers who spent most
term: activity-trend
draw: table
columns:
  customer_id: {label: Customer, page: {folder: customer, key: customer_id}}
  from: From
  to: To
  direction: Move
  prior_occasions: Purchases before
  recent_occasions: Lately
  revenue_12_months:
  predicted_clv:
hidden: [moved]
let:
  listed: count(*)
  moved: max(moved)
basis: >-
  n = {{ moved|counted("customer") }} · {{ listed|first_of(moved, "customer") }}{% if facts.cautions %}. {{ facts.cautions|join(" ") }}{% endif %} ·
  {{ previous.day|short_day }} to {{ snapshot_date|short_day }}
file: {table: segment_events, where: with all other moves}
*/
SELECT
  events.customer_id, events."from", events."to", events.direction, trend.prior_occasions, trend.recent_occasions,
  events.revenue_12_months, events.predicted_clv,
  count(*) OVER () AS moved
FROM events
JOIN marts.activity_trend AS trend
  ON trend.snapshot_date = events.snapshot_date AND trend.customer_id = events.customer_id
QUALIFY events.customer_id NOT IN (SELECT customer_id FROM staging.objections)  -- counted, and not named
ORDER BY
  events.way = 'worse' AND events.to_segment = 'declining' DESC, events.revenue_12_months DESC, events.customer_id
LIMIT 20
