/*
title: Against the best guess
term: holdouts
caption: The published models beside the best naive baseline, on days they had not seen
draw: table
columns:
  prediction: Prediction
  better_by: {label: Better by, kind: percent}
  model: {label: Published model, say: model_name}
  origin: Tested after
  until: {label: Up to, kind: date}
  customers: Customers
  measure: Error
  published: {label: Published, kind: score}
  best_naive: {label: Best naive, kind: score}
  baseline: {label: Which, say: model_name}
empty: ""
basis: "{{ facts.basis }}"
note: >-
  Error: log loss of probabilities, root mean squared error of counts and spend; less is better. “Better by” is the share of
  the naive baseline’s error that the model saves.
*/
WITH deciding AS (
  SELECT *, list_position($published::VARCHAR[], target || '/' || model) AS place
  FROM marts.model_validation
  WHERE snapshot_date = $snapshot_date
    AND metric = CASE WHEN target IN ('counts', 'value') THEN 'rmse' ELSE 'log_loss' END
),
naive AS (
  SELECT target, model, value
  FROM deciding
  WHERE is_baseline AND value IS NOT NULL
  QUALIFY row_number() OVER (PARTITION BY target ORDER BY value, model) = 1
)
SELECT
  CASE deciding.target
    WHEN 'counts' THEN 'Number of purchases'
    WHEN 'value' THEN 'Spend'
    ELSE 'Buys within ' || deciding.horizon_days || ' days'
  END AS prediction,
  deciding.model, deciding.origin,
  deciding.origin + deciding.horizon_days AS until,
  deciding.customers,
  CASE deciding.metric WHEN 'rmse' THEN 'RMSE' ELSE 'Log loss' END AS measure,
  deciding.value AS published,
  naive.value AS best_naive,
  naive.model AS baseline,
  1 - deciding.value / nullif(naive.value, 0) AS better_by
FROM deciding
LEFT JOIN naive ON naive.target = deciding.target
WHERE deciding.place > 0
ORDER BY deciding.place
