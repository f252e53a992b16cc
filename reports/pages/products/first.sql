/*
title: What customers begin with
term: first-purchase
each: {key: outcome, label: outcome_label}
draw: {bars: label, series: {mean: accent, expected: pale}}
columns:
  label: First purchase held
  dimension: Kind
  customers: Customers who began with it
  mean: {label: "{{ outcome_label }}", kind_by: kind}
  expected: {label: Others who began alike, kind_by: kind}
  effect: {label: "Difference, drawn towards 0", kind_by: kind}
  q_value: {label: "False findings, up to this row", kind: percent}
hidden: [sureness, outcome, outcome_label, kind]
let:
  most: max_by(rows, sureness)
  found: count(*)
hover: "{{ label }}<br>{{ series }}: {{ shown }}<br>{{ customers|counted('customer') }}"
sentence: >-
  Of {{ began.tested|counted("item") }} that at least 30 customers began with, {{ found|count }}
  {{ "differs" if found == 1 else "differ" }} beyond chance. Most surely {{ most.label }}: {% if outcome == "repeat" %}
  {{- most.mean|percent }} of its customers came back within 180 days, against {{ most.expected|percent }}{% else %}
  {{- "" }}its customers spent {{ most.mean|money }} on average in the 180 days after, against {{ most.expected|money }}
  {%- endif %} of others who began alike.
empty: >-
  {% if not began.named %}No customer's first purchase is 180 days old and names a product or a category, so nothing can
  be said of who comes back.{% elif not began.tested %}No product or category was the beginning of 30 customers, so none
  can be told from chance.{% else %}Of {{ began.tested|counted("item") }} that at least 30 customers began with, none
  differs beyond chance in who comes back or in what is spent{% if began.repeat_alone or began.value_alone %}. Looked at one
  by one, {{ began.repeat_alone|count }} would seem to differ in who comes back and {{ began.value_alone|count }} in what is spent{% endif %}.{% endif %}
basis: n = {{ began.customers|counted("customer") }} · first purchase {{ began.first_on|span(began.last_on) }}
*/
SELECT
  CASE dimension WHEN 'product' THEN coalesce(names.label, item) ELSE 'category ' || item END AS label,
  dimension, customers, mean, expected, effect, q_value,
  abs(z) AS sureness,
  outcome,
  CASE outcome WHEN 'repeat' THEN 'Came back' ELSE 'Spent' END AS outcome_label,
  CASE outcome WHEN 'repeat' THEN 'percent' ELSE 'money' END AS kind
FROM marts.first_purchase_value AS began
LEFT JOIN marts.product_names AS names
  ON names.snapshot_date = began.snapshot_date AND names.product_id = began.item AND began.dimension = 'product'
WHERE began.snapshot_date = $snapshot_date AND began.status = 'different' AND began.dimension <> 'channel'
QUALIFY row_number() OVER (PARTITION BY outcome ORDER BY abs(z) DESC, label) <= 12
ORDER BY outcome, sureness DESC, label
