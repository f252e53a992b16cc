/*
title: Moves between segments
term: segment
columns:
  from_segment: {label: From, missing: New customers}
  to_segment: To
  direction: Direction
  customers: {label: Customers, kind: count}
  aged: {label: Have not ordered since, kind: count}
  by_limits: {label: Only limits moved, kind: count}
  revenue_12_months: {label: "Revenue, 12 months", kind: money}
  file:
    label: File
    audience: {folder: "{{ 'moves' if facts.catalogue == 'grid' else facts.catalogue ~ '_moves' }}", key: move}
    missing: –
hidden: [move, from_rank, to_rank, way]
let:
  everybody: sum(customers)::BIGINT
  moved: coalesce(sum(customers) FILTER (way <> 'same'), 0) > 0
  up: bool_or(way = 'better')
  down: bool_or(way = 'worse')
  entered: bool_or(way = 'entered')
legend:
  "{% if up %}Moved up{% endif %}": better
  "{% if down %}Moved down{% endif %}": worse
  "{% if entered %}New{% endif %}": entered
views:
  moves:
    label: Moves only
    when: moved
    draw:
      figure: sankey_of_moves
      with: &flow {before: from_segment, after: to_segment, customers: customers, rank_before: from_rank, rank: to_rank}
    sentence: &said "{{ rows|segment_flow_sentence(previous.day) }}"
  all:
    label: Everybody
    draw: {figure: sankey, with: *flow}
    sentence: *said
empty: This is the first snapshot. Moves between segments are known from the second one on.
basis: n = {{ everybody|counted("customer") }} · {{ previous.day|short_day }} to {{ snapshot_date|short_day }}
*/
WITH labels AS (
  SELECT catalogue, segment, label, segment_rank
  FROM marts.segment_profiles
  WHERE snapshot_date = $snapshot_date
),
flows AS (
  SELECT
    coalesce(changes.previous_segment, 'newcomers') || '_to_' || changes.segment AS name,
    departed.label AS from_segment,
    departed.segment_rank AS from_rank,
    arrived.label AS to_segment,
    arrived.segment_rank AS to_rank,
    count(*) AS customers,
    count(*) FILTER (events.reason = 'time') AS aged,
    count(*) FILTER (events.reason = 'limits') AS by_limits,
    sum(summary.revenue_12_months)::DECIMAL(18,2) AS revenue_12_months
  FROM marts.segment_changes AS changes
  JOIN params.settings AS settings ON settings.catalogue = changes.catalogue
  JOIN marts.customer_summary AS summary
    ON summary.snapshot_date = changes.snapshot_date AND summary.customer_id = changes.customer_id
  LEFT JOIN marts.segment_events AS events
    ON events.snapshot_date = changes.snapshot_date AND events.customer_id = changes.customer_id
    AND events.catalogue = changes.catalogue
  JOIN labels AS arrived ON arrived.catalogue = changes.catalogue AND arrived.segment = changes.segment
  LEFT JOIN labels AS departed
    ON departed.catalogue = changes.catalogue AND departed.segment = changes.previous_segment
  WHERE changes.snapshot_date = $snapshot_date AND changes.previous_snapshot_date IS NOT NULL
  GROUP BY ALL
),
told AS (
  SELECT
    *,
    CASE
      WHEN from_rank IS NULL THEN 'entered'
      WHEN from_rank = to_rank THEN 'same'
      WHEN to_rank < from_rank THEN 'better'
      ELSE 'worse'
    END AS way
  FROM flows
)
SELECT
  from_segment, to_segment,
  CASE way
    WHEN 'entered' THEN 'new'
    WHEN 'same' THEN 'stayed'
    WHEN 'better' THEN 'up'
    ELSE 'down'
  END || CASE customers WHEN aged THEN ': have not ordered since' WHEN by_limits THEN ': only limits moved' ELSE '' END
    AS direction,
  customers, aged, by_limits, revenue_12_months,
  CASE WHEN way <> 'same' THEN name || '.csv' END AS file,
  CASE WHEN way <> 'same' THEN name END AS move,
  from_rank, to_rank, way
FROM told
ORDER BY customers DESC, from_rank NULLS FIRST, to_rank
