/*
title: Chances to buy
draw: table
columns:
  prediction: Prediction
  model: {label: Model, say: model_name}
  role: Role
  log_loss: {label: Log loss, kind: score}
  brier: {label: Brier score, kind: score}
  ece: {label: Calibration gap, kind: percent}
  auc: {label: AUC, kind: score}
  best_in: {label: Best in, kind: text, missing: –}
hidden: [begins_on, until, judged]
basis: >-
  n = {{ rows[0].judged|counted("customer") }} · unseen,
  {{ rows|map(attribute="begins_on")|min|span(rows|map(attribute="until")|max) }}
*/
SELECT prediction, model, role, log_loss, brier, ece, auc, best_in, begins_on, until, judged
FROM scores
WHERE of_chances
ORDER BY days, is_baseline, first_cost NULLS LAST, model
