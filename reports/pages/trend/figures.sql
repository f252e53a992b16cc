/*
draw: figures
columns:
  label: Trend
  value: {kind_by: kind}
hidden: [kind, share, by_chance, reasons, meaning]
empty: Nobody has a trend.
context: >-
  {% if by_chance is not none %}{{ share|percent }} of those with a trend; by chance alone {{ by_chance|expected }}
  {%- else %}{{ meaning or (reasons or [])|map('numbered')|listed }}{% endif %}
*/
WITH found AS (
  SELECT trends.place, trends.label, summary.customers, summary.by_chance
  FROM marts.activity_trend_summary AS summary
  JOIN trends USING (activity_trend)
  WHERE summary.snapshot_date = $snapshot_date
),
base AS (
  SELECT expected_share, share_from, n_min FROM marts.trend_base WHERE snapshot_date = $snapshot_date
),
figures AS (
  SELECT
    place, label, customers::DOUBLE AS value, 'count' AS kind,
    customers / nullif(sum(customers) OVER (), 0)::DOUBLE AS share, by_chance, NULL::STRUCT(name VARCHAR, n BIGINT)[] AS reasons,
    NULL AS meaning
  FROM found
  WHERE place <= 3
  UNION ALL
  SELECT
    4, 'No trend', sum(customers)::DOUBLE, 'count', NULL, NULL,
    list({'name': replace(lower(label), 'too few', 'with too few'), 'n': customers} ORDER BY place) FILTER (WHERE customers > 0), NULL
  FROM found
  WHERE place > 3
  UNION ALL
  SELECT
    5, 'Expected in the recent window', expected_share, 'percent', NULL, NULL, NULL,
    'of purchases, if nobody changed: '
      || CASE share_from WHEN 'today' THEN 'as all customers did' ELSE 'as in the same windows a year ago' END
  FROM base
  UNION ALL
  SELECT
    6, 'Purchases needed', n_min::DOUBLE, 'count', NULL, NULL, NULL, 'in both windows, so that a change is more than chance'
  FROM base
)
SELECT label, value, kind, share, by_chance, reasons, meaning
FROM figures
WHERE EXISTS (SELECT 1 FROM base)
ORDER BY place
