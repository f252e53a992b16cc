/*
title: Purchases and spend
caption: "Purchases and spend: scores of all models and baselines"
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
empty: ""
basis: >-
  n = {{ rows[0].judged|counted("customer") }} · unseen,
  {{ rows|map(attribute="begins_on")|min|span(rows|map(attribute="until")|max) }}
*/
WITH measures (metric, place, name, better) AS (
  VALUES
    ('rmse', 1, 'RMSE', 'low'),
    ('mae', 2, 'Mean error', 'low'),
    ('bias_percent', 3, 'Bias in %', 'zero'),
    ('poisson_deviance', 4, 'Poisson deviance', 'low'),
    ('correlation', 5, 'Correlation', 'high'),
    ('normalised_gini', 6, 'Gini', 'high'),
    ('top_10_percent_capture', 7, 'Top 10% capture', 'high'),
    ('coverage_80', 8, 'In the 80% interval', '80%')
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
    round(
      CASE measures.better
        WHEN 'high' THEN -value WHEN 'zero' THEN abs(value) WHEN '80%' THEN abs(value - 0.8) ELSE value
      END,
      6
    ) AS cost
  FROM marts.model_validation AS scores
  JOIN measures ON measures.metric = scores.metric
  WHERE scores.snapshot_date = $snapshot_date AND scores.target IN ('counts', 'value')
    AND scores.target IN (SELECT target FROM published)
),
ranked AS (
  SELECT *, cost = min(cost) OVER (PARTITION BY target, place) AS is_best FROM costs
)
SELECT
  CASE ranked.target WHEN 'counts' THEN 'Number of purchases' ELSE 'Spend' END AS prediction,
  ranked.model,
  CASE
    WHEN any_value(published.is_published) THEN 'published'
    WHEN bool_or(ranked.is_baseline) THEN 'naive baseline'
    ELSE 'candidate'
  END AS role,
  max(ranked.value) FILTER (ranked.metric = 'rmse') AS rmse,
  max(ranked.value) FILTER (ranked.metric = 'mae') AS mae,
  max(ranked.value) FILTER (ranked.metric = 'bias_percent') AS bias_percent,
  max(ranked.value) FILTER (ranked.metric = 'poisson_deviance') AS poisson_deviance,
  max(ranked.value) FILTER (ranked.metric = 'correlation') AS correlation,
  max(ranked.value) FILTER (ranked.metric = 'normalised_gini') AS normalised_gini,
  max(ranked.value) FILTER (ranked.metric = 'top_10_percent_capture') AS top_10_percent_capture,
  max(ranked.value) FILTER (ranked.metric = 'coverage_80') AS coverage_80,
  string_agg(ranked.name, ', ' ORDER BY ranked.place) FILTER (ranked.is_best) AS best_in,
  max(ranked.origin) + 1 AS begins_on,
  max(ranked.origin + ranked.horizon_days) AS until,
  max(ranked.customers) AS judged
FROM ranked
LEFT JOIN published ON published.target = ranked.target AND published.model = ranked.model
GROUP BY ranked.target, ranked.model
ORDER BY
  ranked.target, bool_or(ranked.is_baseline), min(ranked.cost) FILTER (ranked.place = 1) NULLS LAST, ranked.model
