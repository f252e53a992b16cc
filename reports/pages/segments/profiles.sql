/*
title: Size, value and lifecycle
term: segment
columns:
  segment: {label: Segment, kind: text, page: {folder: segment, key: code}}
  customers: {label: Customers, kind: count}
  share_of_customers: {label: Share of customers, kind: percent}
  revenue_12_months: {label: "Revenue, 12 months", kind: money}
  share_of_revenue: {label: Share of revenue, kind: percent}
  predicted_clv: {label: Predicted value, kind: money}
  share_of_predicted: {label: Share of predicted value, kind: percent}
  churn_probability: {label: Mean churn probability, kind: percent}
  first_time: {label: One order so far, kind: count}
  active: {label: Active, kind: count}
  defecting: {label: Lapsing, kind: count}
  inactive: {label: Lapsed, kind: count}
hidden: [code]
let:
  everybody: sum(customers)::BIGINT
  largest: max_by(rows, customers)
  dearest: max_by(rows, coalesce(revenue_12_months, 0))
  revenue: sum(revenue_12_months)
  ahead: max_by(rows, coalesce(predicted_clv, -1))
  mixed: sum(defecting + inactive)::BIGINT
  slipping: max_by(rows, defecting)
  all_slipping: sum(defecting)::BIGINT
views:
  size:
    label: Size and value
    draw: {bars: segment, series: {share_of_customers: pale, share_of_revenue: accent, share_of_predicted: part-2}}
    sentence: >-
      {{ largest.segment }} is the largest segment, {{ largest.share_of_customers|percent }} of customers.
      {% if revenue > 0 %}{{ dearest.segment }} brought most: {{ dearest.share_of_revenue|percent }} of revenue with
      {{ dearest.share_of_customers|percent }} of customers{% if ahead.predicted_clv is not none %}; of
      predicted value, {{ "they have" if ahead.segment == dearest.segment else ahead.segment ~ " have" }}
      {{ ahead.share_of_predicted|percent }}{% endif %}.{% else %}There was no revenue in the last
      year to share out.{% endif %}
  lifecycle:
    label: Lifecycle
    draw:
      bars: segment
      stack: share
      series: {first_time: part-2, active: better, defecting: part-3, inactive: worse}
    sentence: >-
      {{ mixed|count }} of {{ everybody|counted("customer") }} are lapsing or lapsed.
      {% if all_slipping %}Of the {{ all_slipping|count }} who are lapsing now, most are in {{ slipping.segment }}
      ({{ slipping.defecting|count }}).{% endif %}
hover: "{{ segment }}<br>{{ series }}: {{ shown }}"
basis: n = {{ everybody|counted("customer") }} · orders {{ facts.range }} · revenue {{ facts.last_year }}
*/
SELECT
  profiles.label AS segment,
  profiles.segment AS code,
  profiles.customers, profiles.share_of_customers, profiles.revenue_12_months, profiles.share_of_revenue,
  profiles.predicted_clv,
  profiles.predicted_clv / nullif(sum(profiles.predicted_clv) OVER (), 0) AS share_of_predicted,
  profiles.churn_probability, profiles.first_time, profiles.active, profiles.defecting, profiles.inactive
FROM marts.segment_profiles AS profiles
JOIN params.settings AS settings ON settings.catalogue = profiles.catalogue
WHERE profiles.snapshot_date = $snapshot_date
  AND EXISTS (SELECT 1 FROM marts.customer_summary WHERE snapshot_date = $snapshot_date)
ORDER BY profiles.segment_rank
