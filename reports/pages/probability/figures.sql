/*
draw: figures
columns:
  label: Figure
  value: {kind: count}
hidden: [share, caution]
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
)
SELECT
  figures.label,
  round(figures.people)::BIGINT AS value,
  figures.people / sums.customers AS share,
  CASE champions.status
    WHEN 'season_unknown' THEN ' · season unknown' WHEN 'not_validated' THEN ' · not tested' ELSE ''
  END AS caution
FROM sums
CROSS JOIN (
  VALUES
    (1, 'purchase_30d', 'Expected to order within 30 days', sums.within_30),
    (2, 'purchase_90d', 'Expected to order within 90 days', sums.within_90),
    (3, 'churn', 'Expected not to order within ' || sums.days || ' days', sums.churners)
) AS figures (place, target, label, people)
LEFT JOIN marts.champions AS champions
  ON champions.snapshot_date = $snapshot_date AND champions.target = figures.target
WHERE sums.customers > 0
ORDER BY figures.place
