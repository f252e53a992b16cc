/*
title: Net revenue by product and category
each: {key: level, label: level_label}
draw: {bars: label, series: {net: accent}}
columns:
  label: "{{ 'Product' if level == 'product' else 'Category' }}"
  net:
  share_of_net: Share
  gross: Sales
  refunds:
  orders:
  buyers:
  new_buyers: Of these, first purchase at all
  mean_price: Mean price
  margin_share: Margin
  top_buyer_share: Largest buyer
  repeat_rate_180: Bought again
hidden: [level, level_label, all_items, gross_label, gross_most, gross_net]
let:
  best: max_by(rows, net)
  shown: count(*)
hover: "{{ label }}<br>{{ net|money }} net, {{ orders|counted('order') }}, {{ buyers|counted('buyer') }}"
sentence: >-
  {{ best.label }} brings most: {{ best.net|money }} net in the last 365 days, {{
  best.share_of_net|percent }} of all{% if best.gross_label !=
  best.label %}. Sales before refunds would have put {{ best.gross_label }} first, with {{ best.gross_most|money }}, of
  which {{ best.gross_net|money }} remained{% endif %}{% if best.all_items > shown %}. The first {{ shown }} of
  {{ best.all_items|count }} are shown{% endif %}.
basis: n = {{ known.orders|counted("order") }} · {{ known.first_on|span(snapshot_date) }}
*/
WITH labelled AS (
  SELECT
    performance.*,
    coalesce(names.label, performance.item) AS label,
    count(*) OVER levels AS all_items,
    row_number() OVER (PARTITION BY performance.level ORDER BY performance.gross DESC, performance.item) AS gross_rank
  FROM marts.product_performance AS performance
  LEFT JOIN marts.product_names AS names
    ON names.snapshot_date = performance.snapshot_date AND performance.level = 'product'
    AND names.product_id = performance.item
  WHERE performance.snapshot_date = $snapshot_date AND performance.period_days = 365
  WINDOW levels AS (PARTITION BY performance.level)
)
SELECT
  labelled.level,
  CASE labelled.level WHEN 'product' THEN 'Products' ELSE 'Categories' END AS level_label,
  labelled.label, labelled.net, labelled.share_of_net, labelled.gross, labelled.refunds, labelled.orders,
  labelled.buyers, labelled.new_buyers, labelled.mean_price, labelled.margin_share, labelled.top_buyer_share,
  labelled.repeat_rate_180, labelled.all_items,
  by_gross.label AS gross_label,
  by_gross.gross AS gross_most,
  by_gross.net AS gross_net
FROM labelled
JOIN labelled AS by_gross ON by_gross.level = labelled.level AND by_gross.gross_rank = 1
WHERE labelled.net_rank <= 15
ORDER BY labelled.level DESC, labelled.net_rank
