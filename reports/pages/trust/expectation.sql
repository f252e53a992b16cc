/*
title: By earlier purchases
term: holdouts
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
basis: >-
  n = {{ rows[0].judged|counted("customer") }} · {{ rows[0].model|model_name }} ·
  unseen, {{ rows[0].begins_on|span(rows[0].until) }}
*/
WITH groups AS (
  SELECT *, list({'name': model, 'value': expected}) OVER (PARTITION BY frequency) AS everybody
  FROM marts.conditional_expectation
  WHERE snapshot_date = $snapshot_date
)
SELECT
  groups.frequency || CASE groups.frequency WHEN 7 THEN '+' ELSE '' END AS before,
  groups.customers, groups.observed, groups.expected,
  list_filter(groups.everybody, lambda one: one.name <> groups.model) AS others,
  groups.model, published.begins_on, published.until, published.judged
FROM groups
JOIN published ON published.target = 'counts' AND published.model = groups.model
ORDER BY groups.frequency
