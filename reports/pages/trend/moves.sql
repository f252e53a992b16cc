/*
title: Moves between trends
term: trend
draw: table
columns:
  from: From
  to: To
  direction: Move
  customers:
  revenue_12_months:
  file: {label: File, audience: {folder: trend_moves, key: move}}
hidden: [move, way]
let:
  moved: sum(customers)
  up: coalesce(sum(customers) FILTER (way = 'better'), 0)
  down: coalesce(sum(customers) FILTER (way = 'worse'), 0)
  calmed: coalesce(sum(customers) FILTER (way = 'calmed'), 0)
  entered: coalesce(sum(customers) FILTER (way = 'entered'), 0)
  lost: coalesce(sum(customers) FILTER (way = 'left'), 0)
  at_stake: sum(revenue_12_months) FILTER (way = 'worse')
sentence: >-
  Since {{ previous.day|day }}, {{ up|counted("customer") }} began to rise and {{ down|count }} to decline; {{ calmed|count }}
  no longer do either, {{ entered|count }} got a
  trend and {{ lost|count }} lost theirs.
  {%- if down %} Those who began to decline spent {{ at_stake|money }} in the last 12 months.{% endif %}
empty: "{{ base.window_days|movers_missing(previous) }}"
basis: n = {{ moved|counted("customer") }} · {{ previous.day|short_day }} to {{ snapshot_date|short_day }}
note: "Revenue: what these customers spent in the last 12 months ({{ facts.last_year }})."
*/
WITH trends (trend, label) AS (
  VALUES ('growing', 'Growing'), ('stable', 'Stable'), ('declining', 'Declining'), ('too_few', 'Too few purchases'),
    ('silent', 'Silent'), ('too_new', 'Too new')
),
moves AS (
  SELECT from_segment, to_segment, direction, count(*) AS customers, sum(revenue_12_months)::DECIMAL(18,2) AS revenue_12_months
  FROM marts.segment_events
  WHERE snapshot_date = $snapshot_date AND catalogue = 'activity_trend' AND direction <> 'same'
  GROUP BY from_segment, to_segment, direction
)
SELECT
  coalesce(before.label, 'New customer') AS "from",
  now.label AS "to",
  CASE
    WHEN moves.direction = 'worse' AND moves.to_segment = 'stable' THEN 'no longer rising'
    WHEN moves.direction = 'better' AND moves.to_segment = 'stable' THEN 'no longer falling'
    WHEN moves.direction = 'better' THEN 'up'
    WHEN moves.direction = 'worse' THEN 'down'
    WHEN moves.direction = 'entered' THEN 'got one'
    ELSE 'lost it'
  END AS direction,
  moves.customers, moves.revenue_12_months,
  coalesce(moves.from_segment, 'newcomers') || '_to_' || moves.to_segment || '.csv' AS file,
  coalesce(moves.from_segment, 'newcomers') || '_to_' || moves.to_segment AS move,
  CASE WHEN moves.to_segment = 'stable' AND moves.direction IN ('better', 'worse') THEN 'calmed' ELSE moves.direction END
    AS way
FROM moves
LEFT JOIN trends AS before ON before.trend = moves.from_segment
JOIN trends AS now ON now.trend = moves.to_segment
ORDER BY
  moves.revenue_12_months DESC, moves.customers DESC, moves.from_segment NULLS FIRST, moves.to_segment, moves.direction
