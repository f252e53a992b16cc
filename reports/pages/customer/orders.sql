/*
title: Orders
draw: {columns: month, series: {amount: accent}}
columns:
  customer_id: {hidden: true}
  month: {label: Month, kind: month}
  amount: {label: Sales, kind: money}
  days: {label: Order days, kind: count}
let:
  days: sum(days)::BIGINT
  amount: sum(amount)
  most: max_by(rows, (amount, month))
  first: min(month)
sentence: >-
  {{ days|counted("order day") }} in these months with {{ amount|money }} of sales; most in {{ most.month|month }},
  {{ most.amount|money }}.
empty: No order in the last two years.
basis: n = {{ days|counted("order day") }} · {{ first|short_day }} – {{ snapshot_date|short_day }}
*/
WITH days AS (
  SELECT customer_id, occasion_on, sum(amount) AS amount
  FROM staging.occasions
  WHERE customer_id IN (SELECT unnest($customer_ids)) AND known_on <= $snapshot_date
    AND occasion_on > $snapshot_date - INTERVAL 2 YEAR
  GROUP BY customer_id, occasion_on
  HAVING sum(orders) > 0
),
bought AS (
  SELECT
    customer_id, date_trunc('month', occasion_on)::DATE AS month, sum(amount)::DECIMAL(18,2) AS amount, count(*) AS days
  FROM days
  GROUP BY customer_id, date_trunc('month', occasion_on)::DATE
),
firsts AS (
  SELECT customer_id, min(month) AS month
  FROM bought
  GROUP BY customer_id
)
SELECT
  firsts.customer_id, calendar.starts_on AS month, coalesce(bought.amount, 0)::DECIMAL(18,2) AS amount,
  coalesce(bought.days, 0) AS days
FROM marts.revenue_calendar AS calendar
JOIN firsts ON calendar.starts_on >= firsts.month
LEFT JOIN bought ON bought.customer_id = firsts.customer_id AND bought.month = calendar.starts_on
WHERE calendar.snapshot_date = $snapshot_date AND calendar.period_kind = 'month'
ORDER BY firsts.customer_id, calendar.starts_on
