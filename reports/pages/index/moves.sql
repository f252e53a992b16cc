/*
title: Who changed group
caption: The moves between groups with the most revenue at stake
draw: table
columns:
  move: {label: Move, audience: {folder: moves, key: file}}
  direction: Direction
  customers: {label: Customers, kind: count}
  revenue: {label: "Revenue, last 12 months", kind: money}
  file: {hidden: true}
  since: {hidden: true}
let:
  since: min(since)
empty: ""
basis: n = {{ facts.customers.customers|counted("customer") }} · {{ since|span(snapshot_date) }}
note: A move down only says that there was no order since.
*/
WITH labels AS (
  SELECT DISTINCT segment, label FROM marts.segment_catalogue
  WHERE snapshot_date = $snapshot_date AND catalogue = 'grid'
),
moves AS (
  SELECT
    from_segment,
    to_segment,
    min(direction) AS direction,
    count(*) AS customers,
    sum(value_at_stake)::DECIMAL(18,2) AS revenue,
    min(previous_snapshot_date) AS since
  FROM marts.segment_events
  WHERE snapshot_date = $snapshot_date AND catalogue = 'grid' AND direction <> 'same'
  GROUP BY from_segment, to_segment
)
SELECT
  coalesce(origin.label, 'New') || ' → ' || target.label AS move,
  CASE moves.direction WHEN 'better' THEN 'up' WHEN 'worse' THEN 'down' ELSE 'new' END AS direction,
  moves.customers,
  moves.revenue,
  coalesce(moves.from_segment, 'newcomers') || '_to_' || moves.to_segment AS file,
  moves.since + 1 AS since
FROM moves
JOIN labels AS target ON target.segment = moves.to_segment
LEFT JOIN labels AS origin ON origin.segment = moves.from_segment
ORDER BY moves.revenue DESC, moves.customers DESC, move
LIMIT 12
