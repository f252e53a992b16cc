/*
title: Probabilities over time
columns:
  customer_id: {hidden: true}
  snapshot_date: {label: End of, kind: date}
  churn_probability: {label: Churn probability, kind: percent}
  p_purchase_30d: {label: Order in the next 30 days, kind: percent}
draw: {lines: snapshot_date, series: {churn_probability: accent, p_purchase_30d: part-2}}
let:
  first: min_by(rows, snapshot_date)
  last: max_by(rows, snapshot_date)
  days: count(*)
hover: "{{ snapshot_date|short_day }}<br>{{ series }}: {{ value|percent }}"
sentence: >-
  The churn probability is {{ last.churn_probability|percent }} now, after {{ first.churn_probability|percent }} on
  {{ first.snapshot_date|day }}.
empty: How the probabilities change is drawn from the third snapshot on.
basis: n = {{ days|counted("snapshot") }} · {{ first.snapshot_date|span(last.snapshot_date) }}
*/
SELECT customer_id, snapshot_date, churn_probability, p_purchase_30d
FROM marts.churn_predictions
WHERE snapshot_date <= $snapshot_date AND customer_id IN (SELECT unnest($customer_ids)) AND churn_probability IS NOT NULL
QUALIFY count(*) OVER (PARTITION BY customer_id) >= 3
ORDER BY customer_id, snapshot_date
