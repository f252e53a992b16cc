/*
title: All parameters
draw: table
columns:
  model: {label: Model, say: model_name}
  parameter: Parameter
  estimate: {label: Estimate, kind: score}
  standard_error: {label: Standard error, kind: score, interval: [low, high]}
  before: {label: "{{ 'On ' ~ before|short_day if before else 'Before' }}", kind: score}
  moved: {label: "Moved, standard errors", kind: number}
hidden: [is_published]
sentence: "{{ rows|parameters_sentence(before) }}"
basis: "{{ facts.basis }}"
note: >-
  Time in weeks; names as in the models’ papers. Unknown: no standard error or no earlier value.
*/
WITH earlier AS (
  SELECT model, parameter, estimate
  FROM marts.model_parameters
  WHERE snapshot_date = (SELECT max(snapshot_date) FROM marts.model_parameters WHERE snapshot_date < $snapshot_date)
)
SELECT
  now.model,
  CASE now.parameter WHEN 'alpha' THEN 'α' WHEN 'beta' THEN 'β' ELSE replace(now.parameter, '_', ' ') END AS parameter,
  now.estimate, now.standard_error,
  now.estimate - 1.96 * nullif(now.standard_error, 0) AS low,
  now.estimate + 1.96 * nullif(now.standard_error, 0) AS high,
  earlier.estimate AS before,
  (now.estimate - earlier.estimate) / nullif(now.standard_error, 0) AS moved,
  now.model = 'gamma_gamma' OR EXISTS (
    SELECT 1
    FROM marts.champions
    WHERE snapshot_date = $snapshot_date AND target = 'counts' AND timing_model = now.model
  ) AS is_published
FROM marts.model_parameters AS now
LEFT JOIN earlier ON earlier.model = now.model AND earlier.parameter = now.parameter
WHERE now.snapshot_date = $snapshot_date
ORDER BY now.model, now.parameter
