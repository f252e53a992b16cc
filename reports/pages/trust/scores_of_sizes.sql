/*
title: Purchases and spend
draw: table
columns:
  prediction: Prediction
  model: {label: Model, say: model_name}
  role: Role
  rmse: {label: RMSE, kind: score}
  mae: {label: Mean error, kind: score}
  bias_percent: {label: Bias in %, kind: score}
  poisson_deviance: {label: Poisson deviance, kind: score}
  correlation: {label: Correlation, kind: score}
  normalised_gini: {label: Gini, kind: score}
  top_10_percent_capture: {label: Top 10% capture, kind: percent}
  coverage_80: {label: In the 80% interval, kind: percent}
  best_in: {label: Best in, kind: text, missing: –}
hidden: [begins_on, until, judged]
basis: >-
  n = {{ rows[0].judged|counted("customer") }} · unseen,
  {{ rows|map(attribute="begins_on")|min|span(rows|map(attribute="until")|max) }}
*/
SELECT
  prediction, model, role, rmse, mae, bias_percent, poisson_deviance, correlation, normalised_gini,
  top_10_percent_capture, coverage_80, best_in, begins_on, until, judged
FROM scores
WHERE NOT of_chances
ORDER BY target, is_baseline, first_cost NULLS LAST, model
