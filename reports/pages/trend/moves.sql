/*
title: Moves between trends
term: activity-trend
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
  no longer do either; {{ entered|count }} became measurable and {{ lost|count }} no longer are.
  {%- if down %} Those who began to decline spent {{ at_stake|money }} in the last 12 months.{% endif %}
empty: "{{ base.window_days|movers_missing(previous) }}"
basis: n = {{ moved|counted("customer") }} · {{ previous.day|short_day }} to {{ snapshot_date|short_day }}
note: "Revenue: what these customers spent in the last 12 months ({{ facts.last_year }})."
*/
SELECT
  "from", "to", direction,
  count(*) AS customers,
  sum(revenue_12_months)::DECIMAL(18,2) AS revenue_12_months,
  coalesce(from_segment, 'newcomers') || '_to_' || to_segment || '.csv' AS file,
  coalesce(from_segment, 'newcomers') || '_to_' || to_segment AS move,
  CASE WHEN to_segment = 'stable' AND way IN ('better', 'worse') THEN 'calmed' ELSE way END AS way
FROM events
GROUP BY "from", "to", direction, from_segment, to_segment, events.way
ORDER BY revenue_12_months DESC, customers DESC, from_segment NULLS FIRST, to_segment, direction
