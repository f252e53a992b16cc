/*
title: What became of A’s customers
term: evolution
views:
  evolution:
    label: What became of them
    when: a_customers
    draw:
      bars: label
      series: {became_better: better, stayed: same, became_worse: worse, became_lost: lost}
      stack: true
    sentence: "{{ rows|evolution_sentence(currency) }}"
  groups:
    label: Groups in A and in B
    draw:
      bars: label
      series: {a_customers: {colour: pale, name: Period A}, b_customers: {colour: accent, name: Period B}}
    sentence: "{{ rows|segment_change_sentence(asked.lost_customers, asked.new_customers) }}"
columns:
  label: Group
  a_customers: Customers, A
  b_customers: Customers, B
  became_better: In a better group
  stayed: In the same
  became_worse: In a worse one
  became_lost: Lost
  share_lost: {label: Share lost, kind: percent}
  arrived: Of B, not in A
  a_revenue: Revenue, A
  b_revenue: Revenue, B
  lost_revenue: Revenue of the lost, A
let:
  a_customers: sum(a_customers)
basis: >-
  n = {{ asked.a_customers|counted("customer") }} ·
  A {{ asked.a_from|span(asked.a_to) }}, B {{ asked.b_from|span(asked.b_to) }} with {{ asked.b_customers|count }}
*/
SELECT
  label, a_customers, b_customers, became_better, stayed, became_worse, became_lost,
  became_lost / nullif(a_customers, 0)::DOUBLE AS share_lost,
  arrived, a_revenue, b_revenue, lost_revenue
FROM marts.period_comparison_segments
WHERE snapshot_date = $snapshot_date
  AND segment NOT IN ('lost', 'not_in_a')  -- each group says already who of it was lost, and who arrived
QUALIFY sum(a_customers + b_customers) OVER () > 0
ORDER BY segment_rank
