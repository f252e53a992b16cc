/*
title: Do probabilities come true
term: how-good-they-are
caption: "{{ prediction }}: probability and what happened, from least to most likely"
each: {key: target, label: label}
draw: {figure: calibration, with: {predicted: predicted, observed: observed, low: low, high: high}}
columns:
  bin: {label: Group, kind: count}
  customers:
  predicted: {label: Probability, kind: percent}
  observed: {label: Bought, kind: percent}
  low: {label: "95% interval: from", kind: percent}
  high: {label: to, kind: percent}
hidden: [target, label, prediction, model, begins_on, until, judged, gap]
let:
  inside: count(*) FILTER (predicted BETWEEN low AND high)
  groups: count(*)
hover: >-
  {{ customers|counted("customer") }}<br>probability {{ predicted|percent }}<br>bought {{ observed|percent }}
  ({{ low|percent }} to {{ high|percent }})
sentence: "{{ inside|calibration_sentence(groups, gap) }}"
legend: {"What happened, with its 95% interval": accent, What was promised: muted}
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
    max(customers) AS judged,
    max(value) FILTER (metric = 'ece') AS gap
  FROM marts.model_validation
  WHERE snapshot_date = $snapshot_date
  GROUP BY target, model
)
SELECT
  curve.bin, curve.customers, curve.predicted, curve.observed, curve.low, curve.high, tested.target,
  tested.days || ' days' AS label,
  'Buys within ' || tested.days || ' days' AS prediction,
  tested.model,
  tested.origin + 1 AS begins_on,
  tested.origin + tested.days AS until,
  tested.judged, tested.gap
FROM tested
JOIN marts.calibration_curve AS curve
  ON curve.snapshot_date = $snapshot_date AND curve.target = tested.target AND curve.model = tested.model
WHERE tested.place > 0
ORDER BY tested.place, curve.bin
