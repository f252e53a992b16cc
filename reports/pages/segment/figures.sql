/*
draw: figures
columns:
  segment: {hidden: true}
  label: Figure
  value: {kind_by: kind}
hidden: [kind, row]
context: >-
  {% if label == "Customers" %}{{ row.share_of_customers|percent }} of all
  {%- elif label == "Revenue, 12 months" %}{% if row.share_of_revenue is not none %}{{ row.share_of_revenue|percent }} of all
  customers’{% endif %}
  {%- elif label == "Predicted value" %}together{% if row.valued < row.customers %}, of {{ row.valued|count }} who have one{% endif %}
  {%- elif label == "Mean churn probability" %}no order within {{ row.days }} days
  {%- elif label == "Lapsing or lapsed" %}{{ row|stage_mix }}
  {%- else %}median{% endif %}
*/
SELECT
  own.segment, figures.label, figures.value, figures.kind,
  {
    'customers': own.customers, 'share_of_customers': own.share_of_customers, 'share_of_revenue': own.share_of_revenue,
    'valued': own.valued, 'defecting': own.defecting, 'inactive': own.inactive, 'active': own.active,
    'first_time': own.first_time,
    'days': (SELECT max(churn_horizon_days) FROM marts.churn_predictions WHERE snapshot_date = $snapshot_date)
  } AS row
FROM marts.segment_profiles AS own
JOIN params.settings AS settings ON settings.catalogue = own.catalogue
CROSS JOIN (
  VALUES
    (1, 'Customers', own.customers::DOUBLE, 'count'), (2, 'Revenue, 12 months', own.revenue_12_months, 'money'),
    (3, 'Predicted value', own.predicted_clv, 'money'), (4, 'Mean churn probability', own.churn_probability, 'percent'),
    (5, 'Lapsing or lapsed', (own.defecting + own.inactive) / own.customers::DOUBLE, 'percent'),
    (6, 'Days since last order', own.recency_median, 'count')
) AS figures (place, label, value, kind)
WHERE own.snapshot_date = $snapshot_date AND own.segment IN (SELECT unnest($segments))
ORDER BY figures.place
