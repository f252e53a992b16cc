/*
title: Stages
term: lifecycle-stage
draw: {bars: stage, series: {customers: accent}, colour: colour}
columns:
  stage: {label: Stage, kind: text, audience: {folder: stages, key: file}}
  customers:
  share: {label: Share of customers, kind: percent}
  revenue_12_months: {label: "Revenue, 12 months", kind: money}
hidden: [name, colour, file]
let:
  customers: sum(customers) FILTER (name <> 'lead')
hover: "{{ stage }}: {{ value|counted('customer') }}, {{ share|percent }}"
sentence: "{{ rows|stages_sentence }}"
basis: n = {{ customers|counted("customer") }} · orders {{ facts.range }}
*/
WITH names (name, place, stage, colour, file) AS (
  VALUES
    ('active', 1, 'Active', 'better', 'active'), ('first-time', 2, 'First-time', 'entered', 'first_time'),
    ('defecting', 3, 'Lapsing', 'worse', 'lapsing'), ('inactive', 4, 'Lapsed', 'muted', 'lapsed'),
    ('lead', 5, 'Leads', 'pale', 'lead')
),
found AS (
  SELECT stages.stage AS name, count(*) AS customers, sum(summary.revenue_12_months) AS revenue_12_months
  FROM marts.lifecycle_stages AS stages
  LEFT JOIN marts.customer_summary AS summary
    ON summary.snapshot_date = $snapshot_date AND summary.customer_id = stages.customer_id
  WHERE stages.snapshot_date = $snapshot_date
  GROUP BY stages.stage
)
SELECT
  names.stage,
  coalesce(found.customers, 0) AS customers,
  CASE
    WHEN names.name <> 'lead'
      THEN coalesce(found.customers, 0) / nullif(sum(found.customers) FILTER (names.name <> 'lead') OVER (), 0)::DOUBLE
  END AS share,
  coalesce(found.revenue_12_months, 0)::DECIMAL(18, 2) AS revenue_12_months,
  names.name, names.colour,
  CASE WHEN found.customers > 0 THEN names.file END AS file
FROM names
LEFT JOIN found ON found.name = names.name
WHERE EXISTS (SELECT 1 FROM found WHERE name <> 'lead') AND (names.name <> 'lead' OR found.customers IS NOT NULL)
ORDER BY names.place
