/*
draw: figures
columns:
  label: Step
  value: {kind_by: kind}
hidden: [kind, people]
empty: ""
context: "{{ people|counted('customer') }}"
*/
WITH funnel AS (
  SELECT
    count(*) FILTER (funnel_stage <> 'lead') AS bought,
    count(*) FILTER (funnel_stage IN ('second purchase', 'regular')) AS twice,
    count(*) FILTER (funnel_stage = 'regular') AS often,
    count(*) FILTER (stage = 'active') AS active,
    count(*) FILTER (returned) AS returned
  FROM marts.lifecycle_stages
  WHERE snapshot_date = $snapshot_date
),
steps AS (
  SELECT 1 AS place, 'Ordered a second time' AS label, twice AS people, bought AS whole FROM funnel
  UNION ALL
  SELECT 2, 'A third time or more', often, bought FROM funnel
  UNION ALL
  SELECT 3, 'Of the active, won back', returned, active FROM funnel
)
SELECT label, people / nullif(whole, 0) AS value, 'percent' AS kind, people
FROM steps
WHERE EXISTS (SELECT 1 FROM funnel WHERE bought > 0)
ORDER BY place
