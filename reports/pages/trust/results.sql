/*
title: Compared with simple guesses
term: baseline
draw: table
columns:
  prediction: Prediction
  better_by: {label: Better by, kind: percent}
  model: {label: Published model, say: model_name}
  origin: Tested after
  until: {label: Up to, kind: date}
  customers: Customers
  measure: Error
  published: {label: Published, kind_by: kind}
  best_naive: {label: Best naive, kind_by: kind}
  baseline: {label: Which, say: model_name}
hidden: [kind, begins_on]
basis: >-
  n = {{ rows|map(attribute="customers")|max|counted("customer") }} at most · unseen,
  {{ rows|map(attribute="begins_on")|min|span(rows|map(attribute="until")|max) }}
note: >-
  Error: log loss of probabilities, root mean squared error of counts and spend; less is better. “Better by” is the share of
  the naive baseline’s error that the model saves.
*/
WITH deciding AS (
  SELECT *
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
  published.prediction, published.model, published.origin, published.until, published.judged AS customers,
  published.begins_on,
  CASE deciding.metric WHEN 'rmse' THEN 'RMSE' ELSE 'Log loss' END AS measure,
  CASE published.target WHEN 'counts' THEN 'number' WHEN 'value' THEN 'money' ELSE 'score' END AS kind,
  deciding.value AS published,
  naive.value AS best_naive,
  naive.model AS baseline,
  1 - deciding.value / nullif(naive.value, 0) AS better_by
FROM published
JOIN deciding ON deciding.target = published.target AND deciding.model = published.model
LEFT JOIN naive ON naive.target = published.target
ORDER BY published.place
