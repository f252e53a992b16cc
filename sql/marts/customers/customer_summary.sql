/*
description: What is known of every customer with at least one purchase occasion up to the snapshot date.
grain: [snapshot_date, customer_id]
owner: team:crm
columns:
  snapshot_date:     {type: DATE, meaning: The day whose end the row describes}
  customer_id:       {type: VARCHAR, meaning: Customer of the shop}
  first_purchase_on: {type: DATE, meaning: Local day of the first occasion}
  last_purchase_on:  {type: DATE, meaning: Local day of the last occasion}
  orders:            {type: BIGINT, unit: orders, min: 1, meaning: Orders that stand}
  occasions:         {type: BIGINT, unit: days, min: 1, meaning: Days with an order that stands}
  frequency:         {type: BIGINT, unit: occasions, min: 0, meaning: "Repeat occasions: occasions − 1 (x of the models)"}
  active_span_days:  {type: BIGINT, unit: days, min: 0, meaning: Days from first to last occasion (t_x of the models)}
  recency_days:      {type: BIGINT, unit: days, min: 0, meaning: Days from the last occasion to the snapshot date}
  age_days:          {type: BIGINT, unit: days, min: 0, meaning: Days from the first occasion to the snapshot date (T of the models)}
  monetary_value:    {type: DOUBLE, unit: currency, nullable: true, min: 0, meaning: "Mean value of repeat occasions before refunds; null without a repeat occasion of positive mean"}
  revenue:           {type: "DECIMAL(18,2)", unit: currency, meaning: "Sales, charges and refunds booked up to the snapshot date"}
  revenue_12_months: {type: "DECIMAL(18,2)", label: "Revenue, 12 months", unit: currency, meaning: Revenue of the last 365 days}
  refunds:           {type: "DECIMAL(18,2)", unit: currency, meaning: "Refunds booked up to the snapshot date, negative: parts of orders that stand, and credit notes under an id of their own; not those of void orders (staging.orders)"}
  items:             {type: "DECIMAL(18,3)", unit: pieces, meaning: "Pieces sold in orders that stand, before refunds"}
  mean_order_value:  {type: DOUBLE, unit: currency, meaning: "Sales and charges per order that stands, before refunds"}
  median_gap_days:   {type: DOUBLE, unit: days, nullable: true, min: 0, meaning: Median number of days between occasions; null with one occasion}
tests:
  revenue_reconciles: |
    WITH line_revenue AS (
      SELECT
        lines.amount,
        CASE
          WHEN lines.customer_id IS NULL THEN 'guest'
          WHEN summary.customer_id IS NULL THEN 'no occasion'
          ELSE 'customer'
        END AS belongs_to
      FROM staging.order_lines AS lines
      LEFT JOIN marts.customer_summary AS summary
        ON summary.customer_id = lines.customer_id AND summary.snapshot_date = $snapshot_date
      WHERE lines.ordered_on <= $snapshot_date
    ),
    totals AS (
      SELECT
        sum(amount) AS everything,
        coalesce(sum(amount) FILTER (WHERE belongs_to = 'guest'), 0) AS guests,
        coalesce(sum(amount) FILTER (WHERE belongs_to = 'no occasion'), 0) AS without_occasion
      FROM line_revenue
    ),
    customers AS (
      SELECT coalesce(sum(revenue), 0) AS revenue FROM marts.customer_summary WHERE snapshot_date = $snapshot_date
    )
    SELECT totals.everything, customers.revenue, totals.guests, totals.without_occasion
    FROM totals
    CROSS JOIN customers
    WHERE customers.revenue + totals.guests + totals.without_occasion <> totals.everything
  spans_add_up: |
    SELECT customer_id FROM marts.customer_summary
    WHERE snapshot_date = $snapshot_date AND active_span_days + recency_days <> age_days
*/
WITH sequenced AS (
  SELECT
    customer_id,
    occasion_on,
    orders,
    amount,
    lag(occasion_on) OVER (PARTITION BY customer_id ORDER BY occasion_on) AS previous_on
  FROM features.standing_occasions
),
-- A median as an aggregate would hold all gaps in memory. The row without a gap is the last of its customer.
ranked AS (
  SELECT
    customer_id,
    occasion_on,
    orders,
    amount,
    date_diff('day', previous_on, occasion_on) AS gap,
    row_number() OVER (PARTITION BY customer_id ORDER BY date_diff('day', previous_on, occasion_on) NULLS LAST) AS place,
    count(previous_on) OVER (PARTITION BY customer_id) AS gaps
  FROM sequenced
),
rhythm AS (
  SELECT
    customer_id,
    min(occasion_on) AS first_purchase_on,
    max(occasion_on) AS last_purchase_on,
    sum(orders) AS orders,
    count(*) AS occasions,
    sum(amount) AS amount,
    coalesce(sum(amount) FILTER (WHERE gap IS NOT NULL), 0) AS repeat_amount,
    avg(gap) FILTER (WHERE place IN ((gaps + 1) // 2, (gaps + 2) // 2)) AS median_gap_days
  FROM ranked
  GROUP BY customer_id
),
money AS (
  SELECT
    lines.customer_id,
    sum(lines.amount) AS revenue,
    coalesce(sum(lines.amount) FILTER (WHERE date_diff('day', lines.ordered_on, $snapshot_date) < 365), 0) AS revenue_12_months,
    coalesce(sum(lines.amount) FILTER (WHERE lines.kind = 'refund' AND void.order_id IS NULL), 0) AS refunds,
    coalesce(sum(lines.quantity) FILTER (WHERE lines.kind = 'sale' AND void.order_id IS NULL), 0) AS items
  FROM staging.order_lines AS lines
  LEFT JOIN features.void_orders AS void ON void.order_id = lines.order_id
  WHERE lines.customer_id IS NOT NULL AND lines.ordered_on <= $snapshot_date
  GROUP BY lines.customer_id
)
SELECT
  $snapshot_date AS snapshot_date,
  rhythm.customer_id,
  rhythm.first_purchase_on,
  rhythm.last_purchase_on,
  rhythm.orders,
  rhythm.occasions,
  rhythm.occasions - 1 AS frequency,
  date_diff('day', rhythm.first_purchase_on, rhythm.last_purchase_on) AS active_span_days,
  date_diff('day', rhythm.last_purchase_on, $snapshot_date) AS recency_days,
  date_diff('day', rhythm.first_purchase_on, $snapshot_date) AS age_days,
  CASE WHEN rhythm.repeat_amount > 0 THEN rhythm.repeat_amount::DOUBLE / nullif(rhythm.occasions - 1, 0) END AS monetary_value,
  money.revenue,
  money.revenue_12_months,
  money.refunds,
  money.items,
  rhythm.amount::DOUBLE / nullif(rhythm.orders, 0) AS mean_order_value,
  rhythm.median_gap_days
FROM rhythm
JOIN money ON money.customer_id = rhythm.customer_id
