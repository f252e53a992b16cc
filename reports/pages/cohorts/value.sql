/*
title: Revenue per customer so far
term: cohort
draw:
  lines: age_months
  by: cohort
  value: cumulative_revenue_per_customer
  colour: colour
  titles: [Months since the month of the first purchase, "Revenue so far, per customer"]
columns:
  cohort: {label: First purchase in, kind: month}
  age_months: Months after
  customers:
  active_customers: Bought
  retention: {label: Share, interval: [retention_low, retention_high]}
  orders:
  revenue:
  cumulative_revenue_per_customer: Revenue so far, per customer
hidden: [colour, is_compared, everybody]
let:
  customers: any_value(everybody)
  chosen: max_by(rows, age_months) FILTER (colour = 'part-2')
  oldest: min(cohort) FILTER (colour = 'accent')
  older: >-
    sum(cumulative_revenue_per_customer * customers) FILTER (is_compared)
    / nullif(sum(customers) FILTER (is_compared), 0)
hover: >-
  {{ cohort|month }}, {{ age_months|counted("month") }} on<br>{{ value|money }} per customer,
  {{ customers|counted("customer") }}
legend:
  "{{ chosen.cohort|month }}": part-2
  "{% if oldest %}{{ oldest|month }}, the oldest shown{% endif %}": accent
  Other cohorts: pale
sentence: "{{ chosen|cohort_value(older, currency) }}"
basis: n = {{ customers|counted("customer") }} · first purchases {{ facts.range }}
*/
WITH cells AS (
  SELECT *, dense_rank() OVER (ORDER BY cohort DESC) AS newest
  FROM marts.cohorts
  WHERE snapshot_date = $snapshot_date
),
known AS (
  SELECT *, max(age_months) OVER (PARTITION BY cohort) AS last_age FROM cells WHERE newest <= 13 AND is_complete
),
-- The youngest that is two months old stands out, or the youngest.
chosen AS (
  SELECT cohort, last_age FROM known ORDER BY last_age >= 2 DESC, cohort DESC LIMIT 1
),
oldest AS (
  SELECT min(known.cohort) AS cohort
  FROM known
  CROSS JOIN chosen
  WHERE known.cohort < chosen.cohort AND known.last_age >= chosen.last_age
)
SELECT
  known.cohort, known.age_months, known.customers, known.active_customers, known.retention, known.retention_low,
  known.retention_high, known.orders, known.revenue, known.cumulative_revenue_per_customer,
  CASE known.cohort WHEN chosen.cohort THEN 'part-2' WHEN oldest.cohort THEN 'accent' ELSE 'pale' END AS colour,
  known.cohort < chosen.cohort AND known.age_months = chosen.last_age AS is_compared,
  (SELECT sum(customers) FROM cells WHERE age_months = 0) AS everybody
FROM known
CROSS JOIN chosen
CROSS JOIN oldest
WHERE EXISTS (SELECT 1 FROM cells WHERE is_complete AND age_months > 0)
ORDER BY known.cohort, known.age_months
