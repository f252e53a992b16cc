/*
title: Who came and who went
draw: table
columns:
  segment: {hidden: true}
  way: Way
  other: {label: Segment, missing: New customers}
  customers: {label: Customers, kind: count}
  aged: {label: Have not ordered since, kind: count}
  by_limits: {label: Only limits moved, kind: count}
  revenue_12_months: {label: "Revenue, 12 months", kind: money}
let:
  came: coalesce(sum(customers) FILTER (way = 'came from'), 0)::BIGINT
  went: coalesce(sum(customers) FILTER (way = 'went to'), 0)::BIGINT
  moved: sum(customers)::BIGINT
sentence: >-
  Since {{ previous|day }}, {{ came|counted("customer") }} came{{ rows|why_moved("came from") }} and {{ went|count }}
  went{{ rows|why_moved("went to") }}.
empty: "{% if previous is none %}This is the first snapshot: nothing is known of moves.{% else %}Nobody came or went since {{ previous|day }}.{% endif %}"
basis: n = {{ moved|counted("move") }} · {{ previous|short_day }} to {{ snapshot_date|short_day }}
*/
WITH labels AS (
  SELECT profiles.segment, profiles.label, profiles.catalogue
  FROM marts.segment_profiles AS profiles
  JOIN params.settings AS settings ON settings.catalogue = profiles.catalogue
  WHERE profiles.snapshot_date = $snapshot_date
),
moves AS (
  SELECT
    shown.segment,
    CASE WHEN changes.segment = shown.segment THEN 'came from' ELSE 'went to' END AS way,
    CASE WHEN changes.segment = shown.segment THEN changes.previous_segment ELSE changes.segment END AS other,
    count(*) AS customers,
    count(*) FILTER (events.reason = 'time') AS aged,
    count(*) FILTER (events.reason = 'limits') AS by_limits,
    sum(summary.revenue_12_months)::DECIMAL(18,2) AS revenue_12_months
  FROM marts.segment_changes AS changes
  JOIN (SELECT unnest($segments) AS segment) AS shown
    ON shown.segment IN (changes.segment, changes.previous_segment)
  JOIN params.settings AS settings ON settings.catalogue = changes.catalogue
  JOIN marts.customer_summary AS summary
    ON summary.snapshot_date = changes.snapshot_date AND summary.customer_id = changes.customer_id
  LEFT JOIN marts.segment_events AS events
    ON events.snapshot_date = changes.snapshot_date AND events.customer_id = changes.customer_id
    AND events.catalogue = changes.catalogue
  WHERE changes.snapshot_date = $snapshot_date
    AND changes.previous_snapshot_date IS NOT NULL
    AND changes.segment IS DISTINCT FROM changes.previous_segment
  GROUP BY ALL
)
SELECT moves.segment, moves.way, labels.label AS other, moves.customers, moves.aged, moves.by_limits, moves.revenue_12_months
FROM moves
LEFT JOIN labels ON labels.segment = moves.other
ORDER BY moves.way, moves.customers DESC, labels.label
