/*
title: The movers who spent most
term: trend
caption: Customers who moved to another trend, declines first, then most revenue of 12 months
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
empty: ""
basis: >-
  n = {{ moved|counted("customer") }} · {{ listed|first_of(moved, "customer") }}. {{ facts.cautions|join(" ") }} ·
  {{ previous.day|short_day }} to {{ snapshot_date|short_day }}
file: {table: segment_events, where: where the catalogue is activity_trend}
*/
WITH trends (trend, label) AS (
  VALUES ('growing', 'Growing'), ('stable', 'Stable'), ('declining', 'Declining'), ('too_few', 'Too few purchases'),
    ('silent', 'Silent'), ('too_new', 'Too new')
)
SELECT
  events.customer_id,
  coalesce(before.label, 'New customer') AS "from",
  now.label AS "to",
  CASE
    WHEN events.direction = 'worse' AND events.to_segment = 'stable' THEN 'no longer rising'
    WHEN events.direction = 'better' AND events.to_segment = 'stable' THEN 'no longer falling'
    WHEN events.direction = 'better' THEN 'up'
    WHEN events.direction = 'worse' THEN 'down'
    WHEN events.direction = 'entered' THEN 'got one'
    ELSE 'lost it'
  END AS direction,
  trend.prior_occasions, trend.recent_occasions, events.revenue_12_months, events.predicted_clv,
  count(*) OVER () AS moved
FROM marts.segment_events AS events
JOIN marts.activity_trend AS trend
  ON trend.snapshot_date = events.snapshot_date AND trend.customer_id = events.customer_id
LEFT JOIN trends AS before ON before.trend = events.from_segment
JOIN trends AS now ON now.trend = events.to_segment
WHERE events.snapshot_date = $snapshot_date
  AND events.catalogue = 'activity_trend'
  AND events.direction <> 'same'
ORDER BY
  events.direction = 'worse' AND events.to_segment = 'declining' DESC,
  events.revenue_12_months DESC,
  events.customer_id
LIMIT 20
