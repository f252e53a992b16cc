/*
draw: {cards: label, value: customers, advice: advice, rank: segment_rank}
columns:
  label: {hidden: true}
  segment_rank: {hidden: true}
  customers: {hidden: true}
  advice: {hidden: true}
  meaning: {hidden: true}
  recency_from: {hidden: true}
  recency_to: {hidden: true}
  occasions_from: {hidden: true}
  occasions_to: {hidden: true}
  claim: {hidden: true}
  first_time: {hidden: true}
  active: {hidden: true}
  defecting: {hidden: true}
  inactive: {hidden: true}
  share_of_customers: {label: Share of customers, kind: percent}
  revenue_12_months: {label: "Revenue, 12 months", kind: money}
  share_of_revenue: {label: Share of revenue, kind: percent}
  churn_probability: {label: Mean churn probability, kind: percent}
  audience: {hidden: true}
  file: {label: File, audience: {folder: "{{ facts.catalogue }}", key: audience}}
let:
  everybody: sum(customers)::BIGINT
empty: ""
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
  profiles.label,
  profiles.segment_rank,
  profiles.customers,
  described.advice,
  described.meaning,
  profiles.recency_from,
  profiles.recency_to,
  profiles.occasions_from,
  profiles.occasions_to,
  profiles.claim,
  profiles.first_time,
  profiles.active,
  profiles.defecting,
  profiles.inactive,
  profiles.share_of_customers,
  profiles.revenue_12_months,
  profiles.share_of_revenue,
  profiles.churn_probability,
  CASE WHEN profiles.customers > 0 THEN profiles.segment END AS audience,
  'CSV' AS file
FROM marts.segment_profiles AS profiles
JOIN params.settings AS settings ON settings.catalogue = profiles.catalogue
JOIN described ON described.catalogue = profiles.catalogue AND described.segment = profiles.segment
WHERE profiles.snapshot_date = $snapshot_date
ORDER BY profiles.segment_rank
