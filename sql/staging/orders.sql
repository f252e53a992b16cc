/*
description: Orders, whole, with the day they count for and the day they were cancelled.
grain: [order_id]
owner: team:data
columns:
  order_id:     {type: VARCHAR, meaning: Order of the shop}
  customer_id:  {type: VARCHAR, nullable: true, meaning: "Customer who ordered; null for a guest"}
  ordered_on:   {type: DATE, meaning: "Local day of the first sale line (of the first line, if nothing was sold)"}
  lines:        {type: BIGINT, unit: lines, min: 1, meaning: Lines of any kind}
  items:        {type: "DECIMAL(18,3)", unit: pieces, meaning: Pieces sold}
  sales:        {type: "DECIMAL(18,2)", unit: currency, meaning: "Amount of the sale lines, before refunds"}
  charges:      {type: "DECIMAL(18,2)", unit: currency, meaning: "Postage, fees and discounts that are lines of their own"}
  refunds:      {type: "DECIMAL(18,2)", unit: currency, meaning: "Amount of the refund lines, negative"}
  is_purchase:  {type: BOOLEAN, meaning: "Whether a product was sold; an order of charges or refunds only is no purchase"}
  cancelled_on: {type: DATE, nullable: true, meaning: "First day on which the order was cancelled: by its status from the start, or when refunds covered its sales; null if it stands"}
*/
WITH order_totals AS (
  SELECT
    order_id,
    max(customer_id) AS customer_id,
    coalesce(min(ordered_on) FILTER (WHERE kind = 'sale'), min(ordered_on)) AS ordered_on,
    count(*) AS lines,
    coalesce(sum(quantity) FILTER (WHERE kind = 'sale'), 0) AS items,
    coalesce(sum(amount) FILTER (WHERE kind = 'sale'), 0) AS sales,
    coalesce(sum(amount) FILTER (WHERE kind = 'charge'), 0) AS charges,
    coalesce(sum(amount) FILTER (WHERE kind = 'refund'), 0) AS refunds,
    count(*) FILTER (WHERE kind = 'sale') AS sale_lines,
    count(*) FILTER (WHERE kind = 'sale' AND lower(status) IN ('cancelled', 'canceled', 'voided', 'void')) AS void_lines
  FROM staging.order_lines
  GROUP BY order_id
),
refund_candidates AS (
  SELECT order_id
  FROM order_totals
  WHERE sales > 0 AND sales + refunds <= 0
),
daily_net AS (
  SELECT lines.order_id, lines.ordered_on, sum(lines.amount) AS amount
  FROM staging.order_lines AS lines
  JOIN refund_candidates ON refund_candidates.order_id = lines.order_id
  WHERE lines.kind <> 'charge'
  GROUP BY lines.order_id, lines.ordered_on
),
running_net AS (
  SELECT
    order_id,
    ordered_on,
    sum(amount) OVER (
      PARTITION BY order_id ORDER BY ordered_on ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS amount
  FROM daily_net
),
covered AS (
  SELECT order_id, min(ordered_on) AS covered_on
  FROM running_net
  WHERE amount <= 0
  GROUP BY order_id
)
SELECT
  order_totals.order_id,
  order_totals.customer_id,
  order_totals.ordered_on,
  order_totals.lines,
  order_totals.items,
  order_totals.sales,
  order_totals.charges,
  order_totals.refunds,
  order_totals.sale_lines > 0 AS is_purchase,
  CASE
    WHEN order_totals.sale_lines > 0 AND order_totals.void_lines = order_totals.sale_lines THEN order_totals.ordered_on
    ELSE covered.covered_on
  END AS cancelled_on
FROM order_totals
LEFT JOIN covered ON covered.order_id = order_totals.order_id
