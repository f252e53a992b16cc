/*
draw: {cards: label, value: customers, advice: advice, rank: segment_rank}
columns:
  share_of_customers: {label: Share of customers, kind: percent}
  revenue_12_months: {label: "Revenue, 12 months", kind: money}
  share_of_revenue: {label: Share of revenue, kind: percent}
  churn_probability: {label: Mean churn probability, kind: percent}
  more: {label: More, page: {folder: segment, key: segment}}
  file: {label: File, audience: {folder: "{{ facts.catalogue }}", key: audience}}
hidden: [
  label, segment_rank, customers, advice, meaning, recency_from, recency_to, occasions_from, occasions_to, claim,
  first_time, active, defecting, inactive, segment, audience
]
let:
  everybody: sum(customers)::BIGINT
context: >-
  {{ meaning }}{% if customers %} Last order {{ recency_from|days_ago(recency_to) }}; orders on
  {{ occasions_from|from_to(occasions_to, "day") }}. {{ row|stage_mix }}{% endif %}
note: "{{ row|claim_sentence }}"
basis: n = {{ everybody|counted("customer") }} · stages as on Lifecycle · revenue {{ facts.last_year }}
*/
WITH described AS (
  SELECT DISTINCT catalogue, segment, meaning, advice
  FROM marts.segment_catalogue
  WHERE snapshot_date = $snapshot_date
)
SELECT
  profiles.label, profiles.segment_rank, profiles.customers, described.advice, described.meaning, profiles.recency_from,
  profiles.recency_to, profiles.occasions_from, profiles.occasions_to, profiles.claim, profiles.first_time,
  profiles.active, profiles.defecting, profiles.inactive, profiles.share_of_customers, profiles.revenue_12_months,
  profiles.share_of_revenue, profiles.churn_probability, profiles.segment,
  'Open the segment' AS more,
  CASE WHEN profiles.customers > 0 THEN profiles.segment END AS audience,
  'CSV' AS file
FROM marts.segment_profiles AS profiles
JOIN params.settings AS settings ON settings.catalogue = profiles.catalogue
JOIN described ON described.catalogue = profiles.catalogue AND described.segment = profiles.segment
WHERE profiles.snapshot_date = $snapshot_date
ORDER BY profiles.segment_rank
