/*
title: Revenue by month
draw: {columns: month, series: {customer_revenue: accent, guest_revenue: unknown}, stack: true, paler: is_open}
columns:
  month: {label: Month, kind: month}
  customer_revenue: {label: Customers, kind: money}
  guest_revenue: {label: Guests, kind: money}
  orders: {label: "Orders, guests included", kind: count}
hidden: [lines, revenue, is_open]
legend: {Customers: accent, "{% if guests %}Guests (customer unknown){% endif %}": unknown}
let:
  best: max_by(rows, revenue) FILTER (NOT is_open)
  last: max_by(rows, month) FILTER (NOT is_open)
  lines: sum(lines)::BIGINT
  guests: bool_or(guest_revenue <> 0)
  first: min(month)
sentence: >-
  {% if best is none %}There is no whole month of orders yet.{% elif best.revenue <= 0 %}No whole month brought
  anything.{% else %}The best month was {{ best.month|month }} with {{ best.revenue|money }}{% if last.month !=
  best.month %}; {{ last.month|month }} brought {{ last.revenue|money }}{% endif %}.{% endif %}
empty: No order has been booked yet.
note: An order that comes back whole counts no longer, so a past month may have fewer orders than it had.
basis: n = {{ lines|counted("order line") }} with charges and refunds · {{ first|span(snapshot_date) }}
*/
WITH booked AS (
  SELECT
    date_trunc('month', ordered_on)::DATE AS month,
    coalesce(sum(amount) FILTER (WHERE customer_id IS NOT NULL), 0)::DECIMAL(18,2) AS customer_revenue,
    coalesce(sum(amount) FILTER (WHERE customer_id IS NULL), 0)::DECIMAL(18,2) AS guest_revenue,
    sum(amount)::DECIMAL(18,2) AS revenue,
    count(*) AS lines
  FROM staging.order_lines
  WHERE ordered_on <= $snapshot_date
  GROUP BY date_trunc('month', ordered_on)::DATE
),
shown AS (
  SELECT
    calendar.starts_on AS month,
    coalesce(booked.customer_revenue, 0)::DECIMAL(18,2) AS customer_revenue,
    coalesce(booked.guest_revenue, 0)::DECIMAL(18,2) AS guest_revenue,
    calendar.orders,
    coalesce(booked.lines, 0) AS lines,
    coalesce(booked.revenue, 0)::DECIMAL(18,2) AS revenue,
    $snapshot_date < last_day(calendar.starts_on) AS is_open
  FROM marts.revenue_calendar AS calendar
  LEFT JOIN booked ON booked.month = calendar.starts_on
  WHERE calendar.snapshot_date = $snapshot_date AND calendar.period_kind = 'month'
  ORDER BY calendar.starts_on DESC
  LIMIT 24
)
SELECT * FROM shown ORDER BY month
