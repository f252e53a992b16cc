/*
draw: figures
columns:
  label: Figure
  value: {kind_by: kind}
hidden: [kind, said]
empty: ""
context: "{{ said or '' }}"
*/
WITH own AS (
  SELECT profiles.*
  FROM marts.segment_profiles AS profiles
  JOIN params.settings AS settings ON settings.catalogue = profiles.catalogue
  WHERE profiles.snapshot_date = $snapshot_date AND profiles.segment = $segment
),
figures AS (
  SELECT
    1 AS place, 'Customers' AS label, customers::DOUBLE AS value, 'count' AS kind,
    format('{:.1f}% of all', 100 * share_of_customers) AS said
  FROM own
  UNION ALL
  SELECT
    2, 'Revenue, 12 months', revenue_12_months::DOUBLE, 'money',
    CASE WHEN share_of_revenue IS NOT NULL THEN format('{:.1f}% of all customers’', 100 * share_of_revenue) END
  FROM own
  UNION ALL
  SELECT
    3, 'Predicted value', predicted_clv, 'money',
    CASE WHEN valued < customers THEN format('of {:,} who have one', valued) ELSE 'of all of them' END
  FROM own
  UNION ALL
  SELECT 4, 'Mean churn probability', churn_probability, 'percent', 'no order within the churn horizon' FROM own
  UNION ALL
  SELECT
    5, 'Lapsing or lapsed', (defecting + inactive) / customers::DOUBLE, 'percent',
    format('{:,} lapsing, {:,} lapsed, {:,} active, {:,} with one order so far', defecting, inactive, active, first_time)
  FROM own
  UNION ALL
  SELECT 6, 'Days since last order', recency_median, 'count', 'median' FROM own
)
SELECT label, value, kind, said
FROM figures
ORDER BY place
-- What is said of predictions besides stands above them: facts.cautions.
