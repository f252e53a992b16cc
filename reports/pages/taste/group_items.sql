/*
title: What sets a group apart
term: what-sets-a-group-apart
each: {key: group_no, label: group_label}
draw: {dots: label, value: ratio, band: [low, high], beside: 1, title: "times as many buyers as expected (90% interval)"}
columns:
  label: Item
  ratio: Times as many
  low: "90% interval: from"
  high: {label: to, kind: number}
  customers: Customers of the group
  expected: {label: Expected, kind: number}
  q_value: {label: "False findings, up to this row", kind: percent}
hidden: [group_no, group_label, members, all_items]
let:
  best: max_by(rows, low)
  shown: count(*)
hover: "{{ label }}<br>{{ customers|counted('customer') }} of the group, {{ expected|number(1) }} expected"
sentence: >-
  {{ best.label }} is more often bought by group {{ best.group_no }}: {{ best.customers|count }} of its
  {{ best.members|counted("customer") }} have it, where {{ best.expected|number(0) }} were expected of as many purchases.
basis: n = {{ members|counted("customer") }} · {{ taste.first_on|span(snapshot_date) }}
*/
WITH members AS (
  SELECT group_no, level, count(*) AS members
  FROM marts.taste_groups
  WHERE snapshot_date = $snapshot_date
  GROUP BY group_no, level
)
SELECT
  items.group_no,
  'Group ' || items.group_no AS group_label,
  coalesce(names.label, items.item) AS label,
  items.ratio, items.low,
  (items.customers + 10) * pow(1 - 1 / (9 * (items.customers + 10)) + 1.645 / (3 * sqrt(items.customers + 10)), 3)
  / (items.expected + 10) AS high,
  items.customers, items.expected, items.q_value, members.members,
  count(*) OVER (PARTITION BY items.group_no) AS all_items
FROM marts.taste_group_items AS items
JOIN members USING (group_no)
LEFT JOIN marts.product_names AS names
  ON names.snapshot_date = items.snapshot_date AND names.product_id = items.item AND members.level = 'product'
WHERE items.snapshot_date = $snapshot_date AND items.rank <= 10
ORDER BY items.group_no, items.rank
