/*
draw: figures
columns:
  label: Step
  value: {kind_by: kind}
hidden: [kind, people]
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
)
SELECT steps.label, steps.people / nullif(steps.whole, 0) AS value, 'percent' AS kind, steps.people
FROM funnel
CROSS JOIN (
  VALUES
    (1, 'Ordered a second time', funnel.twice, funnel.bought), (2, 'A third time or more', funnel.often, funnel.bought),
    (3, 'Of active customers, won back', funnel.returned, funnel.active)
) AS steps (place, label, people, whole)
WHERE funnel.bought > 0
ORDER BY steps.place
