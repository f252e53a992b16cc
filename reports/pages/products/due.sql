/*
title: What will be bought again in the next 30 days
term: repeat-due
each: {key: level, label: level_label}
draw: {bars: label, series: {expected_buyers: accent}}
columns:
  label: "{{ 'Product' if level == 'product' else 'Category' }}"
  expected_buyers: {label: Buyers expected, kind: number}
  watched: {label: Customers who have it, kind: count}
  due: {label: Due by their own gap, kind: count}
  overdue: {label: Overdue, kind: count}
  repeat_share_180: Bought again within 180 days
  gap_p25_days: "Days until a quarter have"
  gap_p50_days: "Days until half have"
hidden: [level, level_label, all_items, all_pairs]
let:
  best: max_by(rows, expected_buyers)
  shown: count(*)
hover: >-
  {{ label }}<br>{{ expected_buyers|number(0) }} buyers expected of {{ watched|counted('customer') }}<br>{{ due|count }} due,
  {{ overdue|count }} overdue by their own gap
sentence: >-
  {{ best.label }} will be bought again by most: about {{ best.expected_buyers|counted("customer") }} of the
  {{ best.watched|count }} who are watched for it, {{ best.due|count }} of whom are due by their own gap{% if
  best.all_items > shown %}. The first {{ shown }} of {{ best.all_items|count }} are shown{% endif %}.
empty: >-
  {% if not again.products %}No item has 30 buyers and 30 gaps between purchases of it, so nothing falls due.
  {%- else %}On {{ again.origin|day }} there were fewer than 200 pairs of a customer and an item bought twice, so no chance
  to buy again could be learnt.{% endif %}
basis: n = {{ all_pairs|counted("pair") }} of a customer and an item · learnt from {{ again.origin|span(snapshot_date) }}
*/
WITH items AS (
  SELECT
    level, item,
    sum(probability_30d) AS expected_buyers,
    count(*) AS watched,
    count(*) FILTER (due_status = 'due') AS due,
    count(*) FILTER (due_status = 'overdue') AS overdue
  FROM marts.replenishment_due
  WHERE snapshot_date = $snapshot_date AND status = 'ok'
  GROUP BY level, item
),
ranked AS (
  SELECT
    *,
    count(*) OVER (PARTITION BY level) AS all_items,
    sum(watched) OVER (PARTITION BY level)::BIGINT AS all_pairs,
    row_number() OVER (PARTITION BY level ORDER BY expected_buyers DESC, item) AS place
  FROM items
)
SELECT
  ranked.level,
  CASE ranked.level WHEN 'product' THEN 'Products' ELSE 'Categories' END AS level_label,
  coalesce(names.label, ranked.item) AS label,
  ranked.expected_buyers, ranked.watched, ranked.due, ranked.overdue, curves.repeat_share_180, curves.gap_p25_days,
  curves.gap_p50_days, ranked.all_items, ranked.all_pairs
FROM ranked
LEFT JOIN marts.product_names AS names
  ON names.snapshot_date = $snapshot_date AND names.product_id = ranked.item AND ranked.level = 'product'
LEFT JOIN marts.replenishment_products AS curves
  ON curves.snapshot_date = $snapshot_date AND curves.level = ranked.level AND curves.item = ranked.item
WHERE ranked.place <= 15
ORDER BY ranked.level DESC, ranked.place
