/*
title: Who spends more in the 180 days after
term: first-purchase
draw: {bars: label, series: {mean: accent, expected: pale}}
columns:
  label: First purchase held
  dimension: Kind
  customers: Customers who began with it
  mean: {label: Spent, kind: money}
  expected: {label: Others who began alike, kind: money}
  effect: {label: "Difference, drawn towards 0", kind: money}
  q_value: {label: "False findings, up to this row", kind: percent}
  sureness: {hidden: true}
let:
  most: max_by(rows, sureness)
  found: count(*)
hover: "{{ label }}<br>{{ series }}: {{ shown }}<br>{{ customers|counted('customer') }}"
sentence: >-
  Of {{ began.tested|counted("item") }} that at least 30 customers began with, {{ found|count }}
  {{ "differs" if found == 1 else "differ" }} beyond chance. Most surely {{ most.label }}:
  its customers spent {{ most.mean|money }} in the mean, others who began alike {{ most.expected|money }}.
empty: >-
  {% if not began.named %}No customer's first purchase is 180 days old and names a product or a category, so nothing can
  be said of what they spend.{% elif not began.tested %}No product or category was the beginning of 30 customers, so none
  can be told from chance.{% else %}Of {{ began.tested|counted("item") }} that at least 30 customers began with, none
  differs beyond chance in what is spent{% if began.value_alone %}; taken alone {{ began.value_alone|count }} would
  have looked as if {{ "it" if began.value_alone == 1 else "they" }} did{% endif %}.{% endif %}
basis: n = {{ began.customers|counted("customer") }} · first purchase {{ began.first_on|span(began.last_on) }}
*/
SELECT
  CASE dimension WHEN 'product' THEN coalesce(names.label, item) ELSE 'category ' || item END AS label,
  dimension,
  customers,
  mean,
  expected,
  effect,
  q_value,
  abs(z) AS sureness
FROM marts.first_purchase_value AS began
LEFT JOIN marts.product_names AS names
  ON names.snapshot_date = began.snapshot_date AND names.product_id = began.item AND began.dimension = 'product'
WHERE began.snapshot_date = $snapshot_date
  AND began.outcome = 'value' AND began.status = 'different' AND began.dimension <> 'channel'
ORDER BY sureness DESC, label
LIMIT 12
