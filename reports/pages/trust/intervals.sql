/*
title: Do the ranges of value hold?
term: 80-interval
draw:
  columns: frequency_class
  series: {coverage: {colour: accent, name: Seen}, promised: {colour: part-2, name: Expected}}
  titles: [Repeat purchases before, Share inside the interval]
  only: is_judged
columns:
  frequency_class: Before
  customers:
  customers_of_nothing: Of them likely to spend nothing
  coverage_of_model: {label: Inside that of the model, kind: percent}
  coverage: {label: Inside the published, kind: percent}
  widened_by: {label: Widened by, kind: number}
  correction: Correction
  promised: {hidden: true, kind: percent}
hidden: [judged, is_judged, model, begins_on, until]
let:
  judged: sum(judged) FILTER (is_judged)
hover: "{{ frequency_class }} before: {{ judged|counted('customer') }}<br>{{ series }}: {{ shown }}"
sentence: "{{ rows|coverage_sentence }}"
basis: >-
  n = {{ judged|counted("customer") }} · {{ rows[0].model|model_name }}; each fifth of the customers by the corrections of the
  others · unseen, {{ rows[0].begins_on|span(rows[0].until) }}
*/
SELECT
  frequency_class, customers, customers_of_nothing, coverage_of_model, coverage, widened_by,
  CASE WHEN is_own THEN 'own' ELSE 'of all: fewer than 200' END AS correction,
  promised,
  customers - customers_of_nothing AS judged,
  coverage IS NOT NULL AS is_judged,
  model,
  origin + 1 AS begins_on,
  origin + horizon_days AS until
FROM marts.interval_coverage
WHERE snapshot_date = $snapshot_date AND is_published
QUALIFY count(coverage) OVER () > 0
ORDER BY place
