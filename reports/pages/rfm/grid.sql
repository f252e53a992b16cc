/*
title: Recency and order days
term: rfm-score
columns:
  segment: {label: Segment, audience: {folder: rfm, key: file}}
  r_score: {label: Recency score, kind: count}
  recency_from: {label: "Days since last order: from", kind: count}
  recency_to: {label: to, kind: count}
  f_score: {label: Order days score, kind: count}
  days_from: {label: "Order days: from", kind: count}
  days_to: {label: to, kind: count}
  customers: {label: Customers, kind: count}
  share: {label: Share, kind: percent}
  revenue: {label: Revenue, kind: money}
  mean_order_value: {label: Mean order value, kind: money}
  recency: {hidden: true, say: day_span}
  days: {hidden: true, say: day_span}
hidden: [file]
let:
  everybody: sum(customers)::BIGINT
  best: arg_max(rows, customers * 100 + r_score * 10 + f_score)
  dearest: arg_max(rows, revenue)
  worth: sum(revenue)
  priciest: arg_max(rows, mean_order_value)
views:
  customers:
    label: Customers
    draw: {heat: [days, recency], value: customers, titles: &titles ["Order days", "Days since last order"]}
    sentence: >-
      Most customers, {{ best.customers|count }} ({{ best.share|percent }}), last ordered {{ best.recency|day_span }} ago and on
      {{ best.days|day_span }}: {{ best.segment }}.
  revenue:
    label: Revenue
    draw: {heat: [days, recency], value: revenue, titles: *titles}
    sentence: >-
      {% if worth > 0 %}Those who last ordered {{ dearest.recency|day_span }} ago and on {{ dearest.days|day_span }} brought most,
      {{ dearest.revenue|money }} of {{ worth|money }}.{% else %}There is no revenue to share out.{% endif %}
  order:
    label: Mean order value
    draw: {heat: [days, recency], value: mean_order_value, titles: *titles}
    sentence: >-
      Orders are largest where they last ordered {{ priciest.recency|day_span }} ago and on {{ priciest.days|day_span }}:
      {{ priciest.mean_order_value|money }} on average.
hover: "{{ segment }}<br>Last order {{ recency|day_span }} ago, orders on {{ days|day_span }}<br>{{ series }}: {{ shown }}"
basis: n = {{ everybody|counted("customer") }} · orders {{ facts.range }}
*/
WITH steps AS (
  SELECT
    measure, step,
    lowest::BIGINT AS lowest,
    highest::BIGINT AS highest,
    {'low': lowest::BIGINT, 'high': highest::BIGINT} AS values
  FROM marts.rfm_thresholds
  WHERE snapshot_date = $snapshot_date AND scale = 'score' AND customers > 0
),
segments AS (
  SELECT cells.r_score, cells.f_score, cells.label
  FROM marts.segment_catalogue AS cells
  JOIN params.settings AS settings ON settings.catalogue = cells.catalogue
  WHERE cells.snapshot_date = $snapshot_date
)
SELECT
  segments.label AS segment,
  CASE WHEN cells.customers > 0 THEN 'r' || cells.first_score || '_f' || cells.second_score END AS file,
  recency.values AS recency,
  days.values AS days,
  cells.first_score AS r_score,
  recency.lowest AS recency_from,
  recency.highest AS recency_to,
  cells.second_score AS f_score,
  days.lowest AS days_from,
  days.highest AS days_to,
  cells.customers,
  cells.customers / nullif(sum(cells.customers) OVER (), 0)::DOUBLE AS share,
  cells.revenue, cells.mean_order_value
FROM marts.rfm_crosstab AS cells
JOIN steps AS recency ON recency.measure = 'recency' AND recency.step = cells.first_score
JOIN steps AS days ON days.measure = 'frequency' AND days.step = cells.second_score
JOIN segments ON segments.r_score = cells.first_score AND segments.f_score = cells.second_score
WHERE cells.snapshot_date = $snapshot_date AND cells.pair = 'RF'
ORDER BY cells.first_score DESC, cells.second_score
