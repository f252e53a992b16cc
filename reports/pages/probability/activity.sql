/*
title: By days since the last order and number of orders
term: probability-to-order
columns:
  silent: Last order
  order_days_from: {label: "Order days, from", kind: count}
  customers: {label: Customers, kind: count}
  p_purchase_30d: {label: Orders in 30 days, kind: percent}
  p_purchase_90d: {label: Orders in 90 days, kind: percent}
  churn_probability: {label: "Does not in {{ days }} days", kind: percent}
hidden: [order_days]
views:
  p_purchase_30d:
    label: Orders in 30 days
    draw: {heat: [order_days, silent], value: p_purchase_30d, titles: &titles [Order days, Last order]}
    sentence: '{{ rows|extremes_sentence("p_purchase_30d", "The chance to order within 30 days") }}'
  p_purchase_90d:
    label: In 90 days
    draw: {heat: [order_days, silent], value: p_purchase_90d, titles: *titles}
    sentence: '{{ rows|extremes_sentence("p_purchase_90d", "The chance to order within 90 days") }}'
  churn_probability:
    label: No order
    draw: {heat: [order_days, silent], value: churn_probability, titles: *titles}
    sentence: '{{ rows|extremes_sentence("churn_probability", "The chance of no order within " ~ days ~ " days") }}'
let:
  everybody: sum(customers)
hover: "{{ order_days }} order days, last order {{ silent }}<br>{{ series }}: {{ shown }}<br>{{ customers|counted('customer') }}"
legend: {"No customers, so unknown": unknown}
basis: n = {{ everybody|counted("customer") }} · orders {{ facts.range }}
*/
WITH silences (silence_band, silent) AS (
  VALUES (1, 'under 30 days ago'), (2, '30–89 days'), (3, '90–179 days'), (4, '180–364 days'), (5, '1–2 years'),
    (6, '2 years or more')
),
orders (frequency_band, order_days, order_days_from) AS (
  VALUES (1, '1', 1), (2, '2', 2), (3, '3–4', 3), (4, '5–9', 5), (5, '10+', 10)
),
placed AS (
  SELECT
    CASE
      WHEN summary.recency_days < 30 THEN 1
      WHEN summary.recency_days < 90 THEN 2
      WHEN summary.recency_days < 180 THEN 3
      WHEN summary.recency_days < 365 THEN 4
      WHEN summary.recency_days < 730 THEN 5
      ELSE 6
    END AS silence_band,
    CASE
      WHEN summary.occasions < 3 THEN summary.occasions
      WHEN summary.occasions < 5 THEN 3
      WHEN summary.occasions < 10 THEN 4
      ELSE 5
    END AS frequency_band,
    churn.p_purchase_30d, churn.p_purchase_90d, churn.churn_probability
  FROM marts.customer_summary AS summary
  JOIN marts.churn_predictions AS churn
    ON churn.snapshot_date = summary.snapshot_date AND churn.customer_id = summary.customer_id
  WHERE summary.snapshot_date = $snapshot_date AND churn.p_purchase_30d IS NOT NULL
)
SELECT
  silences.silent, orders.order_days, orders.order_days_from,
  count(placed.p_purchase_30d) AS customers,
  avg(placed.p_purchase_30d) AS p_purchase_30d,
  avg(placed.p_purchase_90d) AS p_purchase_90d,
  avg(placed.churn_probability) AS churn_probability
FROM silences
CROSS JOIN orders
LEFT JOIN placed ON placed.silence_band = silences.silence_band AND placed.frequency_band = orders.frequency_band
WHERE silences.silence_band <= (SELECT max(silence_band) FROM placed)
GROUP BY silences.silence_band, silences.silent, orders.frequency_band, orders.order_days, orders.order_days_from
ORDER BY silences.silence_band, orders.frequency_band
