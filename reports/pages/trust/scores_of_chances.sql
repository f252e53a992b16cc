/*
title: Chances to buy
caption: "Chances to buy: scores of all models and baselines"
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
empty: ""
basis: >-
  n = {{ rows[0].judged|counted("customer") }} · unseen,
  {{ rows|map(attribute="begins_on")|min|span(rows|map(attribute="until")|max) }}
*/
WITH measures (metric, place, name, better) AS (
  VALUES
    ('log_loss', 1, 'Log loss', 'low'),
    ('brier', 2, 'Brier score', 'low'),
    ('ece', 3, 'Calibration gap', 'low'),
    ('auc', 4, 'AUC', 'high')
),
published AS (
  SELECT target, model, TRUE AS is_published
  FROM marts.model_validation
  WHERE snapshot_date = $snapshot_date AND list_contains($published::VARCHAR[], target || '/' || model)
  GROUP BY target, model
),
-- The less the better; rounded, as the last digits of sums differ from run to run.
costs AS (
  SELECT
    scores.*,
    measures.place, measures.name,
    round(CASE measures.better WHEN 'high' THEN -value ELSE value END, 6) AS cost
  FROM marts.model_validation AS scores
  JOIN measures ON measures.metric = scores.metric
  WHERE scores.snapshot_date = $snapshot_date AND scores.target IN ('purchase_30d', 'purchase_90d', 'churn')
    AND scores.target IN (SELECT target FROM published)
),
ranked AS (
  SELECT *, cost = min(cost) OVER (PARTITION BY target, place) AS is_best FROM costs
)
SELECT
  'Buys within ' || max(ranked.horizon_days) || ' days' AS prediction,
  ranked.model,
  CASE
    WHEN any_value(published.is_published) THEN 'published'
    WHEN bool_or(ranked.is_baseline) THEN 'naive baseline'
    ELSE 'candidate'
  END AS role,
  max(ranked.value) FILTER (ranked.metric = 'log_loss') AS log_loss,
  max(ranked.value) FILTER (ranked.metric = 'brier') AS brier,
  max(ranked.value) FILTER (ranked.metric = 'ece') AS ece,
  max(ranked.value) FILTER (ranked.metric = 'auc') AS auc,
  string_agg(ranked.name, ', ' ORDER BY ranked.place) FILTER (ranked.is_best) AS best_in,
  max(ranked.origin) + 1 AS begins_on,
  max(ranked.origin + ranked.horizon_days) AS until,
  max(ranked.customers) AS judged
FROM ranked
LEFT JOIN published ON published.target = ranked.target AND published.model = ranked.model
GROUP BY ranked.target, ranked.model
ORDER BY
  max(ranked.horizon_days), bool_or(ranked.is_baseline), min(ranked.cost) FILTER (ranked.place = 1) NULLS LAST, ranked.model
