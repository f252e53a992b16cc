/*
title: Who comes back
term: cohort
caption: Cohorts by month of the first purchase and months since then
draw:
  heat: [age_months, cohort]
  value: retention
  only: is_drawn
  titles: [Months after the first purchase, ""]
columns:
  cohort: {label: First purchase in, kind: month}
  age_months: Months after
  customers:
  active_customers: Bought
  retention: Share
  retention_low: "95% interval: from"
  retention_high: to
  orders:
  revenue:
  cumulative_revenue_per_customer: Revenue so far, per customer
  month: {kind: month, hidden: true}
  is_complete: {hidden: true}
  is_drawn: {hidden: true}
let:
  customers: sum(customers) FILTER (age_months = 0)
hover: >-
  First purchase in {{ cohort|month }}: {{ customers|counted("customer") }}<br>{{ month|month }}
  {%- if retention is none %} is not over
  {%- else %}: {{ retention|percent }} bought ({{ retention_low|percent }} to {{ retention_high|percent }}){% endif %}
legend: {"Share that came back, in %": heat, Not over yet: unknown}
sentence: "{{ rows|retention_sentence }}"
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
)
SELECT
  cohort,
  age_months,
  customers,
  active_customers,
  retention,
  retention_low,
  retention_high,
  orders,
  revenue,
  cumulative_revenue_per_customer,
  month,
  is_complete,
  newest <= 13 AND age_months BETWEEN 1 AND 12 AS is_drawn  -- what fits a phone
FROM cells
WHERE EXISTS (SELECT 1 FROM cells WHERE is_complete AND age_months > 0)
ORDER BY cohort, age_months
