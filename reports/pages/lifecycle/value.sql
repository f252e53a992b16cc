/*
title: What a customer of each stage is worth
term: predicted-value
draw: table
columns:
  stage: {label: Stage, kind: text}
  customers:
  mean_predicted_clv: {label: Mean predicted value, kind: money, interval: [low, high]}
  note: {label: Note, kind: text, missing: ""}
let:
  customers: sum(customers)
sentence: >-
  {% set known = rows|rejectattr("mean_predicted_clv", "none")|list %}
  {%- if not known %}No stage has 30 customers with a predicted value.
  {%- else %}Mean predicted value: {% for row in known %}{{ row.stage|lower }} {{ row.mean_predicted_clv|money }}
  {{- ", " if not loop.last }}{% endfor %}.{% endif %}
basis: n = {{ customers|counted("customer") }} · orders {{ facts.range }}
*/
WITH names (name, place, label) AS (
  VALUES
    ('active', 1, 'Active'), ('first-time', 2, 'First-time'), ('defecting', 3, 'Lapsing'), ('inactive', 4, 'Lapsed')
)
SELECT
  names.label AS stage,
  worth.customers, worth.mean_predicted_clv,
  greatest(0, worth.mean_predicted_clv - 1.96 * worth.standard_error) AS low,
  worth.mean_predicted_clv + 1.96 * worth.standard_error AS high,
  CASE worth.status WHEN 'too few' THEN 'too few customers' END AS note
FROM marts.lifecycle_value AS worth
JOIN names ON names.name = worth.stage
WHERE worth.snapshot_date = $snapshot_date AND worth.customers > 0 AND worth.status <> 'insufficient data'
ORDER BY names.place
