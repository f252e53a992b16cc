/*
title: Chance to order soon, and of no order
term: churn-probability
columns:
  purchase: "Orders in 30 days, %"
  churn_from: {label: "Does not within {{ days }}: from", kind: percent}
  churn_to: {label: to, kind: percent}
  customers:
  predicted_clv:
  revenue_at_risk: {label: Revenue at risk, kind: money}
  drawn: {hidden: true, kind: count}
  drawn_value: {hidden: true, kind: money}
  drawn_risk: {hidden: true, kind: money}
hidden: [churn]
views:
  customers:
    label: Customers
    draw: {heat: [purchase, churn], value: drawn, titles: &titles ["Orders within 30 days, %", "No order, %"]}
    sentence: &sentence >-
      {{ fullest.customers|counted("customer") }} ({{ fullest.customers|share_of(everybody)|percent }}), the largest
      group, have a chance of {{ fullest.purchase }} in 100 to order within 30 days, and of {{ fullest.churn }} in 100 not to
      within {{ days }}. Revenue at risk, churn probability × revenue of the last 12 months, is {{ risk|money }} in all.
  value:
    label: Predicted value
    draw: {heat: [purchase, churn], value: drawn_value, titles: *titles}
    sentence: *sentence
  risk:
    label: Revenue at risk
    draw: {heat: [purchase, churn], value: drawn_risk, titles: *titles}
    sentence: *sentence
let:
  fullest: max_by(rows, customers)
  everybody: sum(customers)
  risk: sum(revenue_at_risk)
hover: >-
  {{ purchase }} in 100 to order in 30 days<br>{{ churn }} in 100 not to in {{ days }}<br>{% if drawn is none %}nobody can be
  here{% else %}{{ customers|counted("customer") }}, predicted value {{ (predicted_clv or 0)|money }}, at risk
  {{ (revenue_at_risk or 0)|money }}{% endif %}
legend: {"Nobody can be here, as both chances speak of the same days": unknown}
basis: n = {{ everybody|counted("customer") }} · orders {{ facts.range }}
*/
SELECT
  replace(purchase_band, '-', '–') AS purchase,
  replace(churn_band, '-', '–') AS churn,
  CASE churn_band WHEN '0-25' THEN 0.0 WHEN '26-50' THEN 0.25 WHEN '51-75' THEN 0.5 ELSE 0.75 END::DOUBLE AS churn_from,
  CASE churn_band WHEN '0-25' THEN 0.25 WHEN '26-50' THEN 0.5 WHEN '51-75' THEN 0.75 ELSE 1.0 END::DOUBLE AS churn_to,
  customers, predicted_clv, revenue_at_risk,
  CASE WHEN is_possible OR customers > 0 THEN customers END AS drawn,
  CASE WHEN is_possible OR customers > 0 THEN coalesce(predicted_clv, 0) END AS drawn_value,
  CASE WHEN is_possible OR customers > 0 THEN coalesce(revenue_at_risk, 0) END AS drawn_risk
FROM marts.propensity_grid
WHERE snapshot_date = $snapshot_date
  AND EXISTS (
    SELECT 1 FROM marts.churn_predictions WHERE snapshot_date = $snapshot_date AND purchase_band IS NOT NULL
  )
ORDER BY churn_band DESC, purchase_band
