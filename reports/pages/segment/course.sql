/*
title: Over time
columns:
  segment: {hidden: true}
  snapshot_date: {label: End of, kind: date}
  customers: {label: Customers, kind: count}
  share_of_customers: {label: Share of customers, kind: percent}
  revenue_12_months: {label: "Revenue, 12 months", kind: money}
  churn_probability: {label: Mean churn probability, kind: percent}
let:
  first: min_by(rows, snapshot_date)
  last: max_by(rows, snapshot_date)
views:
  share:
    label: Share
    draw: {lines: snapshot_date, series: {share_of_customers: accent}}
    sentence: >-
      {{ last.customers|counted("customer") }} now, {{ last.share_of_customers|percent }} of all, after
      {{ first.customers|count }} ({{ first.share_of_customers|percent }}) on {{ first.snapshot_date|day }}.
  revenue:
    label: Revenue
    draw: {lines: snapshot_date, series: {revenue_12_months: accent}}
    sentence: >-
      The last 12 months of them brought {{ last.revenue_12_months|money }}, after {{ first.revenue_12_months|money }} on
      {{ first.snapshot_date|day }}.
hover: "{{ snapshot_date|short_day }}<br>{{ series }}: {{ shown }}"
empty: The course is drawn from the fourth snapshot on.
basis: n = {{ last.customers|counted("customer") }} · {{ first.snapshot_date|span(last.snapshot_date) }}
*/
SELECT
  profiles.segment, profiles.snapshot_date, profiles.customers, profiles.share_of_customers, profiles.revenue_12_months,
  profiles.churn_probability
FROM marts.segment_profiles AS profiles
JOIN params.settings AS settings ON settings.catalogue = profiles.catalogue
WHERE profiles.snapshot_date <= $snapshot_date AND profiles.segment IN (SELECT unnest($segments))
QUALIFY count(*) OVER (PARTITION BY profiles.segment) >= 4
ORDER BY profiles.snapshot_date
