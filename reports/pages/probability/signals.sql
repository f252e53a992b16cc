/*
title: Lists to act on
draw: table
columns:
  label: {label: Who, kind: text, audience: {folder: signals, key: file}}
  customers: {label: Customers, kind: count}
  predicted_clv: {label: Predicted value, kind: money}
  revenue_12_months: {label: "Revenue, 12 months", kind: money}
  advice: {label: What to do, kind: text}
hidden: [file, everybody]
let:
  everybody: max(everybody)
basis: n = {{ everybody|counted("customer") }} · orders {{ facts.range }}
*/
WITH lists (signal, place, label, advice) AS (
  VALUES
    ('premium_alert', 1, 'Premium customers losing interest', 'Call those of most value this week, and write to the others personally.'),
    ('rising', 2, 'Rising: worth more than so far', 'Treat them as the best customers they are likely to become.'),
    ('likely_lost', 3, 'Likely to be lost', 'Win back while the chance lasts, cheaply: most will not come.')
),
members AS (
  SELECT 'premium_alert' AS signal, customer_id FROM marts.premium_alerts WHERE snapshot_date = $snapshot_date
  UNION ALL
  SELECT 'rising', customer_id FROM marts.rising_customers WHERE snapshot_date = $snapshot_date
  UNION ALL
  SELECT 'likely_lost', churn.customer_id
  FROM marts.churn_predictions AS churn
  JOIN marts.lifecycle_stages AS stages
    ON stages.snapshot_date = $snapshot_date AND stages.customer_id = churn.customer_id
  WHERE churn.snapshot_date = $snapshot_date
    AND churn.purchase_band = '0-25'
    AND churn.churn_band = '76-100'
    AND stages.stage <> 'inactive'
)
SELECT
  lists.label,
  count(members.customer_id) AS customers,
  sum(clv.predicted_clv) AS predicted_clv,
  sum(summary.revenue_12_months)::DOUBLE AS revenue_12_months,
  lists.advice,
  CASE WHEN count(members.customer_id) > 0 THEN lists.signal END AS file,
  (SELECT count(*) FROM marts.customer_summary WHERE snapshot_date = $snapshot_date) AS everybody
FROM lists
LEFT JOIN members ON members.signal = lists.signal
LEFT JOIN marts.clv_predictions AS clv
  ON clv.snapshot_date = $snapshot_date AND clv.customer_id = members.customer_id
LEFT JOIN marts.customer_summary AS summary
  ON summary.snapshot_date = $snapshot_date AND summary.customer_id = members.customer_id
WHERE EXISTS (SELECT 1 FROM marts.customer_summary WHERE snapshot_date = $snapshot_date)
GROUP BY lists.signal, lists.place, lists.label, lists.advice
ORDER BY lists.place
