/*
title: Are the groups more than noise?
term: stability
draw: table
columns:
  groups: Groups
  stability: {label: Customers as they are, kind: number}
  needed: {label: What it takes, kind: number}
  null_stability: {label: Customers without a taste, kind: number}
  smallest: {label: Smallest group, kind: count}
  is_chosen: Published
let:
  best: max_by(rows, stability)
sentence: >-
  {% if taste.is_found %}{{ taste.groups|count }} groups: two halves of the customers lead to groupings of everybody that
  agree to {{ taste.stability|number }}, where 1 is the same; customers who buy by popularity alone agree to
  {{ taste.null_stability|number }}.{% else %}Two halves of the customers agree to {{ best.stability|number }} at best, with
  {{ best.groups|count }} groups; it takes 0.5, and 0.2 more than the {{ best.null_stability|number }} of customers without a
  taste.{% endif %}
basis: n = {{ taste.customers|counted("customer") }} · {{ taste.first_on|span(snapshot_date) }}
*/
SELECT groups, stability, greatest(0.5, null_stability + 0.2) AS needed, null_stability, smallest, is_chosen
FROM marts.taste_group_fit
WHERE snapshot_date = $snapshot_date AND stability IS NOT NULL
ORDER BY groups
