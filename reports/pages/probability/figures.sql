/*
draw: figures
columns:
  label: Figure
  value: {kind: count}
hidden: [share, caution]
empty: ""
context: "{{ share|percent }} of customers{{ caution }}"
*/
WITH sums AS (
  SELECT
    count(*) AS customers,
    sum(p_purchase_30d) AS within_30,
    sum(p_purchase_90d) AS within_90,
    sum(churn_probability) AS churners,
    any_value(churn_horizon_days) AS days
  FROM marts.churn_predictions
  WHERE snapshot_date = $snapshot_date AND p_purchase_30d IS NOT NULL
),
figures AS (
  SELECT 1 AS place, 'purchase_30d' AS target, 'Expected to order within 30 days' AS label, within_30 AS people FROM sums
  UNION ALL
  SELECT 2, 'purchase_90d', 'Expected to order within 90 days', within_90 FROM sums
  UNION ALL
  SELECT 3, 'churn', 'Expected not to order within ' || days || ' days', churners FROM sums
)
SELECT
  figures.label,
  round(figures.people)::BIGINT AS value,
  figures.people / sums.customers AS share,
  CASE champions.status
    WHEN 'season_unknown' THEN ' · season unknown' WHEN 'not_validated' THEN ' · not tested' ELSE ''
  END AS caution
FROM figures
CROSS JOIN sums
LEFT JOIN marts.champions AS champions
  ON champions.snapshot_date = $snapshot_date AND champions.target = figures.target
WHERE sums.customers > 0
ORDER BY figures.place
