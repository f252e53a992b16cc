/*
title: Premium customers losing interest
draw: table
columns:
  customer_id: {label: Customer, page: {folder: customer, key: customer_id}}
  p_purchase_90d_before: {label: "Chance to order in 90 days: then", kind: percent}
  p_purchase_90d: {label: now, kind: percent}
  predicted_clv_before: {label: Value then, kind: money}
  predicted_clv: {label: Value now, kind: money}
  recency_days: {label: Days since last order, kind: count}
  revenue_12_months:
hidden: [compared_with, found, revenue]
let:
  found: any_value(found)
  before: any_value(compared_with)
  revenue: any_value(revenue)
sentence: >-
  {{ found|counted("customer") }} of the top tenth by predicted value on {{ before|day }}
  {{ "is" if found == 1 else "are" }} at least 30% less likely to order within 90 days than then; they spent
  {{ revenue|money }} in the last 12 months.
empty: >-
  Nobody of the top tenth by predicted value 30 days ago has become 30% less likely to order within 90 days.
basis: >-
  n = {{ found|counted("customer") }} · {{ rows|length|first_of(found, "customer") }} · {{ before|span(snapshot_date) }}
note: >-
  Both days are computed with today’s models, so a drop is the customer’s
  and not the model’s.
file: premium_alerts
*/
SELECT
  customer_id, p_purchase_90d_before, p_purchase_90d, predicted_clv_before, predicted_clv, recency_days,
  revenue_12_months, compared_with,
  count(*) OVER () AS found,
  sum(revenue_12_months) OVER () AS revenue
FROM marts.premium_alerts
WHERE snapshot_date = $snapshot_date
QUALIFY customer_id NOT IN (SELECT customer_id FROM staging.objections)  -- counted, and not named
ORDER BY predicted_clv_before DESC, customer_id
LIMIT 10
