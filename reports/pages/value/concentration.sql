/*
title: "Concentration: share of the predicted value by tenth of customers"
term: predicted-value
draw: {columns: tenth, series: {share: accent}}
columns:
  tenth: Tenth of customers
  customers: {label: Customers, kind: count}
  lowest: {label: Predicted value from, kind: money}
  highest: {label: to, kind: money}
  predicted: {label: Together, kind: money}
  share: {label: Share of the predicted value, kind: percent}
hidden: [median_clv, mean_clv]
let:
  customers: sum(customers)
  median: any_value(median_clv)
  mean: any_value(mean_clv)
  top: max(share) FILTER (tenth = '1st')
  lower: sum(share) FILTER (tenth IN ('6th', '7th', '8th', '9th', '10th'))
hover: >-
  {{ tenth }} tenth, {{ customers|counted("customer") }}<br>{{ share|percent }} of the predicted
  value<br>{{ lowest|money }} to {{ highest|money }} each
sentence: >-
  The top tenth of the customers holds {{ top|percent }} of the predicted value, the lower half
  {{ (lower or 0)|percent }}. Half are expected to bring less than {{ median|money }}; the mean is {{ mean|money }}.
basis: n = {{ customers|counted("customer") }} · orders {{ facts.range }}
*/
WITH ranked AS (
  SELECT
    predicted_clv,
    row_number() OVER (ORDER BY predicted_clv DESC, customer_id) AS place,
    count(*) OVER () AS everybody,
    avg(predicted_clv) OVER () AS mean_clv,
    median(predicted_clv) OVER () AS median_clv
  FROM marts.clv_predictions
  WHERE snapshot_date = $snapshot_date AND predicted_clv IS NOT NULL
),
placed AS (
  SELECT *, 1 + floor(10 * (place - 1) / everybody)::INTEGER AS number FROM ranked
)
SELECT
  number || CASE number WHEN 1 THEN 'st' WHEN 2 THEN 'nd' WHEN 3 THEN 'rd' ELSE 'th' END AS tenth,
  count(*) AS customers,
  min(predicted_clv) AS lowest,
  max(predicted_clv) AS highest,
  sum(predicted_clv) AS predicted,
  sum(predicted_clv) / nullif(sum(sum(predicted_clv)) OVER (), 0) AS share,
  any_value(median_clv) AS median_clv,
  any_value(mean_clv) AS mean_clv
FROM placed
GROUP BY number
ORDER BY number
