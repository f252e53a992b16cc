/*
title: Classes over time
each: {key: measure, label: measure_label}
draw: {lines: as_of, by: class, value: share_of_customers, colour: colour, titles: ["", "Share of customers"]}
columns:
  as_of: {label: End of, kind: date}
  class: {label: Class, kind: text}
  customers: {label: Customers, kind: count}
  share_of_customers: {label: Share of customers, kind: percent}
  orders: {label: Orders, kind: count}
  share_of_orders: {label: Share of orders, kind: percent}
  revenue: {label: Revenue, kind: money}
  share_of_revenue: {label: Share of revenue, kind: percent}
hidden: [measure, measure_label, colour]
let:
  first: arg_min(rows, as_of) FILTER (colour = 'accent')
  last: arg_max(rows, as_of) FILTER (colour = 'accent')
  everybody: (sum(customers) FILTER (as_of = $snapshot_date))::BIGINT
hover: "{{ class }} on {{ as_of|short_day }}<br>{{ customers|count }} customers ({{ share_of_customers|percent }})<br>{{ share_of_orders|percent }} of orders, {{ share_of_revenue|percent }} of revenue"
sentence: >-
  {{ last.class }}: {{ last.share_of_customers|percent }} of customers, {{ last.share_of_orders|percent }} of orders and
  {{ last.share_of_revenue|percent }} of revenue; on {{ first.as_of|day }} {{ first.share_of_customers|percent }},
  {{ first.share_of_orders|percent }} and {{ first.share_of_revenue|percent }}.
empty: The course of the classes is drawn from the third month on.
basis: n = {{ everybody|counted("customer") }} · {{ first.as_of|short_day }} to {{ last.as_of|short_day }}
*/
WITH names (measure, place, measure_label, step, class, colour) AS (
  VALUES
    ('recency', 1, 'Recency', 3, 'Recent', 'accent'), ('recency', 1, 'Recency', 2, 'Cooling', 'part-2'),
    ('recency', 1, 'Recency', 1, 'Long ago', 'part-3'),
    ('frequency', 2, 'Order days', 3, 'Often', 'accent'), ('frequency', 2, 'Order days', 2, 'Regular', 'part-2'),
    ('frequency', 2, 'Order days', 1, 'Casual', 'part-3'),
    ('monetary', 3, 'Spend', 3, 'High spend', 'accent'), ('monetary', 3, 'Spend', 2, 'Mid spend', 'part-2'),
    ('monetary', 3, 'Spend', 1, 'Low spend', 'part-3')
),
history AS (
  SELECT as_of, measure, step, customers, orders, revenue
  FROM marts.rfm_class_history
  WHERE snapshot_date = $snapshot_date AND scale = 'tier'
    AND (as_of = $snapshot_date OR extract(day FROM as_of + 1) = 1)
    AND as_of > $snapshot_date - INTERVAL 2 YEAR
),
days AS (
  SELECT as_of FROM history GROUP BY as_of HAVING sum(customers) > 0
)
SELECT
  names.measure, names.measure_label, history.as_of, names.class, history.customers,
  history.customers / nullif(sum(history.customers) OVER day, 0)::DOUBLE AS share_of_customers,
  history.orders,
  history.orders / nullif(sum(history.orders) OVER day, 0)::DOUBLE AS share_of_orders,
  history.revenue,
  history.revenue::DOUBLE / nullif(sum(history.revenue) OVER day, 0)::DOUBLE AS share_of_revenue,
  names.colour
FROM history
JOIN days ON days.as_of = history.as_of
JOIN names ON names.measure = history.measure AND names.step = history.step
WHERE (SELECT count(*) FROM days) >= 3
WINDOW day AS (PARTITION BY history.measure, history.as_of)
ORDER BY names.place, history.as_of, names.step DESC
