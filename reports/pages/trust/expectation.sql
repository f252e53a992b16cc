/*
title: By how often they had bought
term: holdouts
caption: "Mean purchases after, by repeat purchases before: seen, and expected by each model"
draw:
  columns: before
  series: {observed: {colour: accent, name: Seen}, expected: {colour: part-2, name: Expected}}
  titles: [Repeat purchases before, Mean purchases after]
columns:
  before: {label: Before, kind: text}
  customers:
  observed: {label: Seen, kind: number}
  expected: {label: Expected, kind: number}
  others: {label: Expected by others, kind: number, spread: true, say: model_name}
hidden: [model, begins_on, until, judged]
hover: "{{ before }} before: {{ customers|counted('customer') }}<br>{{ series }}: {{ value|number }}"
sentence: "{{ rows|expectation_sentence }}"
empty: ""
basis: >-
  n = {{ rows[0].judged|counted("customer") }} · {{ rows[0].model|model_name }} ·
  unseen, {{ rows[0].begins_on|span(rows[0].until) }}
*/
WITH tested AS (
  SELECT model, max(origin) AS origin, max(horizon_days) AS days, max(customers) AS judged
  FROM marts.model_validation
  WHERE snapshot_date = $snapshot_date
    AND target = 'counts'
    AND list_contains($published::VARCHAR[], 'counts/' || model)
  GROUP BY model
),
groups AS (
  SELECT *, list({'name': model, 'value': expected}) OVER (PARTITION BY frequency) AS everybody
  FROM marts.conditional_expectation
  WHERE snapshot_date = $snapshot_date
)
SELECT
  groups.frequency || CASE groups.frequency WHEN 7 THEN '+' ELSE '' END AS before,
  groups.customers, groups.observed, groups.expected,
  list_filter(groups.everybody, lambda one: one.name <> groups.model) AS others,
  groups.model,
  tested.origin + 1 AS begins_on,
  tested.origin + tested.days AS until,
  tested.judged
FROM groups
JOIN tested ON tested.model = groups.model
ORDER BY groups.frequency
