/*
title: The most valuable customers
term: predicted-value
draw: table
columns:
  customer_id: {label: Customer, page: {folder: customer, key: customer_id}}
  predicted_clv:
  clv_low: {label: "8 in 10: from", kind: money}
  clv_high: {label: to, kind: money}
  expected_purchases_365d: {label: "Orders, 1 year", kind: number}
  expected_spend: {label: Value of one, kind: money}
  historic_clv: {label: So far, kind: money}
  recency_days: {label: Days since last order, kind: count}
hidden: [everybody, total]
let:
  together: sum(predicted_clv)
  total: any_value(total)
  everybody: any_value(everybody)
sentence: >-
  The {{ rows|length|counted("most valuable customer") }} {{ "is" if rows|length == 1 else "are" }} expected to bring
  {{ together|money }}{% if total %}, {{ together|share_of(total)|percent }} of all{% endif %}.
basis: >-
  n = {{ everybody|counted("customer") }} ·
  {% if coverage is none %}Whether the ranges hold has not been tested.{% else %}When tested, the ranges held the spend of
  {{ coverage|percent }} of the customers; the goal is {{ 0.8|percent }}.{% endif %} · orders {{ facts.range }}
note: >-
  8 in 10: of ten customers like this one, eight bring an amount in this range; one that begins at 0 has no lower end.
file: clv_predictions
*/
SELECT
  clv.customer_id, clv.predicted_clv, clv.clv_low, clv.clv_high, clv.expected_purchases_365d, clv.expected_spend,
  clv.historic_clv, summary.recency_days,
  count(*) OVER () AS everybody,
  sum(clv.predicted_clv) OVER () AS total
FROM marts.clv_predictions AS clv
JOIN marts.customer_summary AS summary
  ON summary.snapshot_date = $snapshot_date AND summary.customer_id = clv.customer_id
WHERE clv.snapshot_date = $snapshot_date AND clv.predicted_clv IS NOT NULL
QUALIFY clv.customer_id NOT IN (SELECT customer_id FROM staging.objections)  -- counted, and not named
ORDER BY clv.predicted_clv DESC, clv.customer_id
LIMIT 20
