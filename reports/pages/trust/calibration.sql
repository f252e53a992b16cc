/*
title: Do probabilities come true?
term: calibrated
each: {key: target, label: label}
draw: {figure: calibration, with: {predicted: predicted, observed: observed, low: low, high: high}}
columns:
  bin: {label: Group, kind: count}
  customers:
  predicted: {label: Probability, kind: percent}
  observed: {label: Bought, kind: percent, interval: [low, high]}
hidden: [target, label, prediction, model, begins_on, until, judged, gap]
let:
  inside: count(*) FILTER (predicted BETWEEN low AND high)
  groups: count(*)
hover: >-
  {{ customers|counted("customer") }}<br>probability {{ predicted|percent }}<br>bought {{ observed|percent }}
  ({{ low|percent }} to {{ high|percent }})
sentence: "{{ inside|calibration_sentence(groups, gap) }}"
legend: {"What happened, with its 95% interval": accent, As predicted: muted}
basis: >-
  n = {{ judged|counted("customer") }} · {{ model|model_name }}, “{{ prediction|lower }}” ·
  unseen, {{ begins_on|span(until) }}
*/
SELECT
  curve.bin, curve.customers, curve.predicted, curve.observed, curve.low, curve.high, published.target,
  published.days || ' days' AS label,
  published.prediction, published.model, published.begins_on, published.until, published.judged,
  gaps.value AS gap
FROM published
JOIN marts.calibration_curve AS curve
  ON curve.snapshot_date = $snapshot_date AND curve.target = published.target AND curve.model = published.model
LEFT JOIN marts.model_validation AS gaps
  ON gaps.snapshot_date = $snapshot_date AND gaps.target = published.target AND gaps.model = published.model
  AND gaps.metric = 'ece'
ORDER BY published.place, curve.bin
