/*
title: Moves between stages
draw: {heat: [to, from], value: share, titles: [Stage today, Stage then]}
each: {key: horizon_days, label: horizon}
columns:
  from: From
  to: To
  customers: {label: Customers, kind: count}
  from_customers: {label: Of, kind: count}
  share: {label: Share, kind: percent, interval: [share_low, share_high]}
hidden: [horizon_days, horizon, since, is_lead]
let:
  people: sum(customers) FILTER (NOT is_lead)
hover: >-
  {{ from }} → {{ to }}<br>{{ customers|count }} of {{ from_customers|count }}: {{ share|percent }}
  ({{ share_low|percent }} to {{ share_high|percent }})
sentence: "{{ rows|transitions_sentence }}"
empty: >-
  Moves need customers of 30 days ago. {% if history.moves_on %}Shown from {{ history.moves_on|short_day }} on.{% endif %}
basis: n = {{ people|counted("customer") }} · {{ since|span(snapshot_date) }}
*/
WITH names (name, place, label) AS (
  VALUES
    ('active', 1, 'Active'), ('first-time', 2, 'First-time'), ('defecting', 3, 'Lapsing'), ('inactive', 4, 'Lapsed'),
    ('lead', 5, 'Leads'), ('none', 6, 'New')
),
reached AS (
  SELECT *, sum(customers) OVER (PARTITION BY horizon_days, to_stage) AS arrived
  FROM marts.lifecycle_transitions
  WHERE snapshot_date = $snapshot_date
    AND horizon_days <= (SELECT max(age_days) FROM marts.customer_summary WHERE snapshot_date = $snapshot_date)
)
SELECT
  origins.label AS "from",
  targets.label AS "to",
  reached.customers, reached.from_customers, reached.share, reached.share_low, reached.share_high, reached.horizon_days,
  reached.horizon_days || ' days' AS horizon,
  $snapshot_date - reached.horizon_days AS since,
  reached.to_stage = 'lead' AS is_lead
FROM reached
JOIN names AS origins ON origins.name = reached.from_stage
JOIN names AS targets ON targets.name = reached.to_stage
WHERE reached.from_customers > 0 AND reached.arrived > 0
ORDER BY reached.horizon_days, origins.place, targets.place
