/*
title: Orders
draw: {columns: month, series: {amount: accent}}
columns:
  month: {label: Month, kind: month}
  amount: {label: Sales, kind: money}
  days: {label: Order days, kind: count}
let:
  days: sum(days)::BIGINT
  amount: sum(amount)
  most: max_by(rows, amount)
  first: min(month)
sentence: >-
  {{ days|counted("order day") }} in these months with {{ amount|money }} of sales; most in {{ most.month|month }},
  {{ most.amount|money }}.
empty: No order in the last two years.
basis: n = {{ days|counted("order day") }} · {{ first|short_day }} – {{ snapshot_date|short_day }}
*/
WITH days AS (
  SELECT occasion_on, sum(amount) AS amount
  FROM staging.occasions
  WHERE customer_id = $customer_id AND known_on <= $snapshot_date AND occasion_on > $snapshot_date - INTERVAL 2 YEAR
  GROUP BY occasion_on
  HAVING sum(orders) > 0
),
bought AS (
  SELECT date_trunc('month', occasion_on)::DATE AS month, sum(amount)::DECIMAL(18,2) AS amount, count(*) AS days
  FROM days
  GROUP BY date_trunc('month', occasion_on)::DATE
)
SELECT calendar.starts_on AS month, coalesce(bought.amount, 0)::DECIMAL(18,2) AS amount, coalesce(bought.days, 0) AS days
FROM marts.revenue_calendar AS calendar
LEFT JOIN bought ON bought.month = calendar.starts_on
WHERE calendar.snapshot_date = $snapshot_date AND calendar.period_kind = 'month'
  AND calendar.starts_on >= (SELECT min(month) FROM bought)
ORDER BY calendar.starts_on
