/*
draw: figures
columns:
  label: Figure
  value: {kind_by: kind}
hidden: [kind, customers, whole, what, caution]
context: >-
  {% if what == "existing" %}over the next {{ facts.clv.months|counted("month") }}; {{ customers|counted("customer") }}
  of today, new ones not counted{{ caution }}
  {%- elif what == "new" %}{{ customers|counted("customer") }} who first ordered then, {{ value|share_of(whole)|percent }}
  of the revenue of all customers
  {%- else %}what is expected is to be read against this{% endif %}
*/
WITH predicted AS (
  SELECT
    count(*) AS customers,
    sum(predicted_clv) AS predicted_clv,
    CASE max(status)
      WHEN 'season_unknown' THEN ' · season unknown' WHEN 'not_validated' THEN ' · not tested' ELSE ''
    END AS caution
  FROM marts.clv_predictions
  WHERE snapshot_date = $snapshot_date AND predicted_clv IS NOT NULL
),
year AS (
  SELECT
    sum(revenue_12_months)::DOUBLE AS revenue,
    count(*) FILTER (age_days < 365) AS new_customers,
    coalesce(sum(revenue_12_months) FILTER (age_days < 365), 0)::DOUBLE AS new_revenue
  FROM marts.customer_summary
  WHERE snapshot_date = $snapshot_date
)
SELECT
  figures.label, figures.value, 'money' AS kind, figures.customers, year.revenue AS whole, figures.what,
  CASE figures.place WHEN 1 THEN predicted.caution ELSE '' END AS caution
FROM predicted
CROSS JOIN year
CROSS JOIN (
  VALUES
    (1, 'Expected of existing customers', predicted.predicted_clv, predicted.customers, 'existing'),
    (2, 'Brought by new customers, last 12 months', year.new_revenue, year.new_customers, 'new'),
    (3, 'Brought by all customers, last 12 months', year.revenue, NULL, 'all')
) AS figures (place, label, value, customers, what)
WHERE predicted.customers > 0
ORDER BY figures.place
