/*
title: Ranking, from the top tenth to the last
term: tenths
each: {key: target, label: label}
draw:
  columns: decile
  series: {observed: {colour: accent, name: Seen}, predicted: {colour: part-2, name: Expected}}
  titles: ["Tenth of the customers, 1 was ranked highest", ""]
columns:
  decile: {label: Tenth, kind: text}
  customers: {kind: number}
  predicted: {label: Expected, kind_by: kind}
  observed: {label: Seen, kind_by: kind}
  lift: {label: Times the mean, kind: number}
  captured: {label: Brought so far, kind: percent}
  others: {label: Brought so far by the tenths of others, kind: percent, spread: true, say: model_name}
hidden: [kind, target, label, prediction, model, begins_on, until, judged, rival, rival_captured]
hover: "Tenth {{ decile }}: {{ customers|number(0) }} customers<br>{{ series }}: {{ shown }}"
sentence: "{{ rows|deciles_sentence(currency) }}"
basis: >-
  n = {{ judged|counted("customer") }} · {{ model|model_name }}, “{{ prediction|lower }}” ·
  unseen, {{ begins_on|span(until) }}
*/
WITH rivals AS (
  SELECT target, model, value
  FROM marts.model_validation
  WHERE snapshot_date = $snapshot_date AND metric = 'top_10_percent_capture' AND is_baseline
    AND model NOT IN ('zero', 'mean_spend')  -- which rank nobody
  QUALIFY row_number() OVER (PARTITION BY target ORDER BY value DESC NULLS LAST, model) = 1
),
deciles AS (
  SELECT *, list({'name': model, 'value': captured}) OVER (PARTITION BY target, decile) AS everybody
  FROM marts.decile_chart
  WHERE snapshot_date = $snapshot_date
)
SELECT
  deciles.decile, deciles.customers, deciles.predicted, deciles.observed, deciles.lift, deciles.captured,
  list_filter(deciles.everybody, lambda one: one.name <> published.model) AS others,
  CASE published.target WHEN 'counts' THEN 'number' WHEN 'value' THEN 'money' ELSE 'percent' END AS kind,
  published.target,
  CASE published.target
    WHEN 'counts' THEN 'Purchases' WHEN 'value' THEN 'Spend' ELSE published.days || ' days'
  END AS label,
  published.prediction, published.model, published.begins_on, published.until, published.judged,
  rivals.model AS rival,
  rivals.value AS rival_captured
FROM published
JOIN deciles ON deciles.target = published.target AND deciles.model = published.model
LEFT JOIN rivals ON rivals.target = published.target
ORDER BY published.place, deciles.decile
