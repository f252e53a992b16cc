/*
title: By segment
term: predicted-value
columns:
  segment: {label: Segment, kind: text, page: {folder: segment, key: code}}
  customers:
  historic: {label: Brought so far, kind: money}
  predicted: {label: Predicted value, kind: money}
  historic_each: {label: "So far, per customer", kind: money}
  predicted_each: {label: "Predicted, per customer", kind: money}
hidden: [code]
views:
  total:
    label: Together
    draw: {bars: segment, series: {historic: pale, predicted: accent}}
    sentence: >-
      {{ top.segment }} are {{ top.customers|share_of(customers)|percent }} of customers and
      {{ top.predicted|share_of(predicted)|percent }} of the predicted value: {{ top.predicted|money }}, after
      {{ top.historic|money }} so far.
  each:
    label: Per customer
    draw: {bars: segment, series: {historic_each: pale, predicted_each: accent}}
    sentence: >-
      A customer of {{ best.segment }} is expected to bring {{ best.predicted_each|money }}, one of {{ least.segment }}
      {{ least.predicted_each|money }}.
let:
  customers: sum(customers)
  predicted: sum(predicted)
  top: max_by(rows, predicted)
  best: max_by(rows, predicted_each)
  least: min_by(rows, predicted_each)
basis: n = {{ customers|counted("customer") }} · orders {{ facts.range }}
*/
WITH groups AS (
  SELECT DISTINCT segment, segment_rank, label
  FROM marts.segment_catalogue
  WHERE snapshot_date = $snapshot_date AND catalogue = (SELECT catalogue FROM params.settings)
)
SELECT
  groups.label AS segment,
  groups.segment AS code,
  count(*) AS customers,
  sum(clv.historic_clv)::DOUBLE AS historic,
  sum(clv.predicted_clv) AS predicted,
  avg(clv.historic_clv) AS historic_each,
  avg(clv.predicted_clv) AS predicted_each
FROM marts.rfm_segments AS members
JOIN groups ON groups.segment = members.segment
JOIN marts.clv_predictions AS clv
  ON clv.snapshot_date = $snapshot_date AND clv.customer_id = members.customer_id
WHERE members.snapshot_date = $snapshot_date
  AND members.catalogue = (SELECT catalogue FROM params.settings)
  AND clv.predicted_clv IS NOT NULL
GROUP BY groups.label, groups.segment, groups.segment_rank
ORDER BY groups.segment_rank
