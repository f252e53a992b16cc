/*
draw: figures
columns:
  label: Figure
  value: {kind_by: kind}
hidden: [kind, context]
empty: Nobody has bought yet.
context: "{{ context }}"
*/
WITH customers AS (
  SELECT
    count(*) AS everybody,
    count(*) FILTER (WHERE recency_days < 90) AS lately,
    count(*) FILTER (WHERE occasions > 1) AS again,
    sum(orders * mean_order_value) / nullif(sum(orders)::DOUBLE, 0) AS order_value
  FROM marts.customer_summary
  WHERE snapshot_date = $snapshot_date
),
lines AS (
  SELECT
    coalesce(sum(amount), 0)::DECIMAL(18,2) AS revenue,
    coalesce(sum(amount) FILTER (WHERE customer_id IS NULL), 0)::DECIMAL(18,2) AS of_guests
  FROM staging.order_lines
  WHERE ordered_on <= $snapshot_date AND date_diff('day', ordered_on, $snapshot_date) < 365
)
SELECT figures.label, figures.value, figures.kind, figures.context
FROM customers
CROSS JOIN lines
CROSS JOIN (
  VALUES
    (1, 'Customers', everybody::DOUBLE, 'count', 'with at least one order'),
    (2, 'Ordered in the last 90 days', lately, 'count', 'customers, with one order or more'),
    (3, 'Revenue, last 12 months', revenue, 'money', 'net of refunds, guests included'),
    (4, 'Repeat customers', again / nullif(everybody, 0), 'percent', 'bought on two days or more'),
    (5, 'Mean order value, all time', order_value, 'money', 'of orders of customers, before refunds'),
    (6, 'Guests’ share, 12 months', of_guests::DOUBLE / nullif(revenue::DOUBLE, 0), 'percent',
     'of revenue, orders without a customer')
) AS figures (place, label, value, kind, context)
ORDER BY figures.place
