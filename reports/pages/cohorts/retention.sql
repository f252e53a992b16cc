/*
title: Who comes back
term: cohort
views:
  back:
    label: Came back
    draw: &cells
      heat: [age_months, row]
      value: retention
      only: is_drawn
      titles: [Months after the first purchase, ""]
    sentence: "{{ rows|retention_sentence }}"
  orders:
    label: Orders
    draw: {<<: *cells, value: orders_per_100}
    sentence: >-
      In the month after their first purchase 100 customers placed {{ next.orders_per_100|number }} orders, over all cohorts.
  revenue:
    label: Revenue
    draw: {<<: *cells, value: revenue_per_customer}
    sentence: >-
      In the month after the first purchase a customer brought {{ next.revenue_per_customer|money }}, over all cohorts.
  so_far:
    label: Revenue so far
    draw: {<<: *cells, value: cumulative_revenue_per_customer}
    sentence: >-
      {{ last.age_months|counted("month") }} after the first purchase a customer has brought
      {{ last.cumulative_revenue_per_customer|money }}, over the cohorts that are old enough.
columns:
  cohort: {label: First purchase in, kind: month, missing: All cohorts}
  age_months: Months after
  customers:
  active_customers: Bought
  retention: {label: Share, interval: [retention_low, retention_high]}
  orders:
  revenue:
  orders_per_100: {label: Orders per 100 customers, kind: number}
  revenue_per_customer: {label: Revenue per customer, kind: money}
  cumulative_revenue_per_customer: Revenue so far, per customer
  month: {kind: month, hidden: true}
  row: {hidden: true, say: sized}
hidden: [is_complete, is_drawn]
let:
  customers: sum(customers) FILTER (age_months = 0 AND cohort IS NOT NULL)
  next: max_by(rows, age_months = 1) FILTER (cohort IS NULL)
  last: max_by(rows, age_months) FILTER (cohort IS NULL AND age_months <= 12)
hover: >-
  {% if cohort is none %}All cohorts that are old enough{% else %}First purchase in {{ cohort|month }}{% endif
  %}: {{ customers|counted("customer") }}<br>{% if retention is none %}{{ month|month }} is not over
  {%- else %}{{ age_months|counted("month") }} after: {{ retention|percent }} bought{% if cohort is not none
  %} ({{ retention_low|percent }} to {{ retention_high|percent }}){% endif %}, {{ orders|counted("order") }},
  {{ revenue|money }}{% endif %}
legend: {"Share that came back in %, orders per 100 customers, or {{ currency }} per customer": heat, Not over yet: unknown}
empty: >-
  {% if cohorts.first is none %}No customer has bought yet, so there is no cohort.
  {%- else %}A cohort shows who comes back from its second month on. The first one's is over on
  {{ cohorts.known_on|short_day }}.{% endif %}
basis: n = {{ customers|counted("customer") }} · first purchases {{ facts.range }}
*/
WITH cells AS (
  SELECT *, dense_rank() OVER (ORDER BY cohort DESC) AS newest
  FROM marts.cohorts
  WHERE snapshot_date = $snapshot_date
),
-- At each age the cohorts that have come to its end, as one.
together AS (
  SELECT
    age_months,
    sum(customers)::BIGINT AS customers,
    sum(active_customers)::BIGINT AS active_customers,
    sum(orders)::BIGINT AS orders,
    sum(revenue)::DECIMAL(18,2) AS revenue,
    sum(cumulative_revenue) / sum(customers)::DOUBLE AS cumulative_revenue_per_customer
  FROM cells
  WHERE is_complete
  GROUP BY age_months
),
listed AS (
  SELECT
    cohort, age_months, customers, active_customers, retention, retention_low, retention_high, orders, revenue,
    cumulative_revenue_per_customer, month, is_complete,
    newest <= 60 AS is_recent,  -- five years; the table has all
    {'name': strftime(cohort, '%b %Y'), 'n': customers} AS row
  FROM cells
  UNION ALL
  SELECT
    NULL, age_months, customers, active_customers, active_customers / customers::DOUBLE, NULL, NULL, orders, revenue,
    cumulative_revenue_per_customer, NULL, TRUE, TRUE, {'name': 'All cohorts', 'n': NULL}
  FROM together
)
SELECT
  cohort, age_months, customers, active_customers, retention, retention_low, retention_high, orders, revenue,
  100 * orders / customers::DOUBLE AS orders_per_100,
  revenue / customers::DOUBLE AS revenue_per_customer,
  cumulative_revenue_per_customer, month, is_complete,
  is_recent AND age_months BETWEEN 1 AND 12 AS is_drawn,  -- what fits a phone
  row
FROM listed
WHERE EXISTS (SELECT 1 FROM cells WHERE is_complete AND age_months > 0)
ORDER BY cohort NULLS FIRST, age_months
