/*
title: Customers who buy similar things
term: taste-group
draw: {bars: label, series: {customers: accent}}
columns:
  label: Group
  customers: {label: Customers, kind: count}
  share: {label: Of those in groups, kind: percent}
  apart: {label: More often bought by them, missing: nothing that stands out}
  explained: {label: Of their purchases explained, kind: percent}
  revenue_12_months: {label: Revenue of 12 months, kind: money}
hidden: [group_no]
let:
  largest: max_by(rows, customers)
  groups: count(*)
  customers: sum(customers)::BIGINT
hover: "{{ label }}<br>{{ customers|counted('customer') }}, {{ share|percent }}<br>{{ apart or 'nothing stands out' }}"
sentence: >-
  {{ customers|counted("customer") }} fall into {{ groups|count }} groups. The largest, group {{ largest.group_no }} with
  {{ largest.customers|counted("customer") }}, is set apart by {{ largest.apart or "nothing that stands out" }}.
empty: >-
  {% if not taste.customers %}No customer bought ten different items that 20 others bought, so there are no
  groups.{% elif taste.most_stable is none %}{{ taste.customers|counted("customer") }} bought at least ten of the items
  that 20 customers have; it takes 300, so no groups were looked for.{% else %}Customers do not fall into groups by what they
  buy: groupings made from two halves of the {{ taste.customers|counted("customer") }} agree by
  {{ taste.most_stable|number }} at best (1 is perfect, 0.5 is needed; customers without any taste would reach
  {{ taste.null_stability|number }}).{% endif %}
basis: n = {{ taste.customers|counted("customer") }} · {{ taste.first_on|span(snapshot_date) }}
*/
WITH sizes AS (
  SELECT
    groups.group_no, groups.level,
    count(*) AS customers,
    avg(groups.share) AS explained,
    sum(summary.revenue_12_months)::DECIMAL(18,2) AS revenue_12_months
  FROM marts.taste_groups AS groups
  LEFT JOIN marts.customer_summary AS summary USING (snapshot_date, customer_id)
  WHERE groups.snapshot_date = $snapshot_date
  GROUP BY groups.group_no, groups.level
),
marks AS (
  SELECT items.group_no, string_agg(coalesce(names.label, items.item), ', ' ORDER BY items.rank) AS apart
  FROM marts.taste_group_items AS items
  JOIN sizes USING (group_no)
  LEFT JOIN marts.product_names AS names
    ON names.snapshot_date = items.snapshot_date AND names.product_id = items.item AND sizes.level = 'product'
  WHERE items.snapshot_date = $snapshot_date AND items.rank <= 3
  GROUP BY items.group_no
)
SELECT
  'Group ' || sizes.group_no AS label,
  sizes.customers,
  sizes.customers / sum(sizes.customers) OVER () AS share,
  marks.apart, sizes.explained, sizes.revenue_12_months, sizes.group_no
FROM sizes
LEFT JOIN marks USING (group_no)
ORDER BY sizes.customers DESC, sizes.group_no
