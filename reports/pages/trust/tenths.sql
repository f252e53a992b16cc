/*
title: From the best tenth to the last
term: tenths
caption: "{{ prediction }}: tenths of the customers, the one ranked highest first"
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
empty: ""
basis: >-
  n = {{ judged|counted("customer") }} · {{ model|model_name }}, “{{ prediction|lower }}” ·
  unseen, {{ begins_on|span(until) }}
*/
WITH tested AS (
  SELECT
    target, model,
    list_position($published::VARCHAR[], target || '/' || model) AS place,
    max(origin) AS origin,
    max(horizon_days) AS days,
    max(customers) AS judged
  FROM marts.model_validation
  WHERE snapshot_date = $snapshot_date
  GROUP BY target, model
),
rivals AS (
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
  list_filter(deciles.everybody, lambda one: one.name <> tested.model) AS others,
  CASE tested.target WHEN 'counts' THEN 'number' WHEN 'value' THEN 'money' ELSE 'percent' END AS kind,
  tested.target,
  CASE tested.target WHEN 'counts' THEN 'Purchases' WHEN 'value' THEN 'Spend' ELSE tested.days || ' days' END AS label,
  CASE tested.target
    WHEN 'counts' THEN 'Number of purchases'
    WHEN 'value' THEN 'Spend'
    ELSE 'Buys within ' || tested.days || ' days'
  END AS prediction,
  tested.model,
  tested.origin + 1 AS begins_on,
  tested.origin + tested.days AS until,
  tested.judged,
  rivals.model AS rival,
  rivals.value AS rival_captured
FROM tested
JOIN deciles ON deciles.target = tested.target AND deciles.model = tested.model
LEFT JOIN rivals ON rivals.target = tested.target
WHERE tested.place > 0
ORDER BY tested.place, deciles.decile
