"""What the report asks the warehouse: SELECTs in the portable subset that return aggregates, never rows of customers.

Each takes `$snapshot_date` only and speaks of the shop as of that day.
"""

FILES = """
SELECT
  path,
  CASE WHEN input = 'order_lines' THEN source ELSE source || '.' || input END AS source,
  status, rows_read, accepted, quarantined, superseded, duplicates, first_ordered_at, last_ordered_at
FROM ingest.files
ORDER BY
  CASE WHEN status = 'rejected' THEN 0 WHEN quarantined > 0 THEN 1 ELSE 2 END,
  last_ordered_at DESC NULLS LAST,
  path,
  file_id
"""

INPUTS_LOADED = """
SELECT input, sum(accepted)::BIGINT AS rows
FROM ingest.files
WHERE status = 'loaded'
GROUP BY input
ORDER BY input
"""

LINES = """
SELECT
  count(*) AS lines,
  count(*) FILTER (WHERE customer_id IS NULL) AS guest_lines,
  coalesce(sum(amount), 0)::DECIMAL(18,2) AS revenue,
  coalesce(sum(amount) FILTER (WHERE customer_id IS NULL), 0)::DECIMAL(18,2) AS guest_revenue,
  coalesce(sum(amount) FILTER (WHERE date_diff('day', ordered_on, $snapshot_date) < 365), 0)::DECIMAL(18,2)
    AS revenue_12_months,
  coalesce(
    sum(amount) FILTER (WHERE customer_id IS NULL AND date_diff('day', ordered_on, $snapshot_date) < 365), 0
  )::DECIMAL(18,2) AS guest_revenue_12_months,
  min(ordered_on) AS first_on,
  max(ordered_on) AS last_on
FROM staging.order_lines
WHERE ordered_on <= $snapshot_date
"""

WITHOUT_OCCASION = """
SELECT count(DISTINCT lines.customer_id) AS customers, coalesce(sum(lines.amount), 0)::DECIMAL(18,2) AS revenue
FROM staging.order_lines AS lines
LEFT JOIN marts.customer_summary AS summary
  ON summary.customer_id = lines.customer_id AND summary.snapshot_date = $snapshot_date
WHERE lines.ordered_on <= $snapshot_date AND lines.customer_id IS NOT NULL AND summary.customer_id IS NULL
"""

CUSTOMERS = """
SELECT
  count(*) AS customers,
  count(*) FILTER (WHERE recency_days < 90) AS active,
  count(*) FILTER (WHERE recency_days < 365) AS buyers_12_months,
  count(*) FILTER (WHERE occasions > 1) AS repeat_customers,
  coalesce(sum(orders), 0)::BIGINT AS orders,
  coalesce(sum(revenue), 0)::DECIMAL(18,2) AS revenue,
  coalesce(sum(revenue_12_months), 0)::DECIMAL(18,2) AS revenue_12_months,
  sum(orders * mean_order_value) / nullif(sum(orders)::DOUBLE, 0) AS mean_order_value
FROM marts.customer_summary
WHERE snapshot_date = $snapshot_date
"""


SEGMENTS = """
WITH catalogue AS (
  SELECT DISTINCT catalogue, segment, segment_rank, label, rule, meaning, advice, owner
  FROM marts.segment_catalogue
  WHERE snapshot_date = $snapshot_date
),
members AS (
  SELECT
    segments.catalogue,
    segments.segment,
    count(*) AS customers,
    sum(summary.orders)::BIGINT AS orders,
    sum(summary.revenue)::DECIMAL(18,2) AS revenue,
    sum(summary.revenue_12_months)::DECIMAL(18,2) AS revenue_12_months,
    sum(summary.orders * summary.mean_order_value) / nullif(sum(summary.orders)::DOUBLE, 0) AS mean_order_value
  FROM marts.rfm_segments AS segments
  JOIN marts.customer_summary AS summary
    ON summary.snapshot_date = segments.snapshot_date AND summary.customer_id = segments.customer_id
  WHERE segments.snapshot_date = $snapshot_date
  GROUP BY segments.catalogue, segments.segment
)
SELECT
  catalogue.catalogue,
  catalogue.segment,
  catalogue.segment_rank,
  catalogue.label,
  catalogue.rule,
  catalogue.meaning,
  catalogue.advice,
  catalogue.owner,
  coalesce(members.customers, 0) AS customers,
  coalesce(members.orders, 0) AS orders,
  coalesce(members.revenue, 0)::DECIMAL(18,2) AS revenue,
  coalesce(members.revenue_12_months, 0)::DECIMAL(18,2) AS revenue_12_months,
  members.mean_order_value
FROM catalogue
LEFT JOIN members ON members.catalogue = catalogue.catalogue AND members.segment = catalogue.segment
ORDER BY catalogue.catalogue, catalogue.segment_rank
"""


CALENDAR = """
SELECT
  period_kind,
  starts_on,
  ends_on,
  is_complete,
  revenue,
  orders,
  order_revenue,
  mean_order_value,
  buyers,
  items,
  cost,
  margin,
  order_number_effect,
  order_value_effect,
  other_effect,
  peak_rank,
  margin_rank
FROM marts.revenue_calendar
WHERE snapshot_date = $snapshot_date
ORDER BY period_kind, starts_on
"""

COMPARISON = """
SELECT
  pair,
  set_by,
  status,
  a_from,
  a_to,
  b_from,
  b_to,
  a_days,
  b_days,
  a_customers,
  b_customers,
  kept_customers,
  lost_customers,
  new_customers,
  a_orders,
  b_orders,
  a_orders_per_customer,
  b_orders_per_customer,
  a_order_value,
  b_order_value,
  a_revenue,
  b_revenue,
  customers_effect,
  frequency_effect,
  order_value_effect,
  a_guest_revenue,
  b_guest_revenue,
  a_other_revenue,
  b_other_revenue,
  a_total_revenue,
  b_total_revenue
FROM marts.period_comparison
WHERE snapshot_date = $snapshot_date
ORDER BY pair
"""

COMPARISON_SEGMENTS = """
SELECT
  segment,
  segment_rank,
  label,
  a_customers,
  b_customers,
  a_revenue,
  b_revenue,
  became_better,
  stayed,
  became_worse,
  became_lost,
  arrived,
  lost_revenue
FROM marts.period_comparison_segments
WHERE snapshot_date = $snapshot_date
ORDER BY segment_rank
"""

COMPARISON_ARRIVALS = """
SELECT
  count(bought_since) = count(*) AS is_known,
  count(*) FILTER (WHERE arrival = 'first purchase in B') AS first_in_b,
  count(*) FILTER (WHERE arrival = 'first purchase between A and B') AS first_between,
  count(*) FILTER (WHERE arrival = 'back after a pause') AS back,
  count(*) FILTER (WHERE evolution = 'lost' AND bought_since) AS lost_bought_since
FROM marts.period_comparison_customers
WHERE snapshot_date = $snapshot_date
"""

PERIOD_SEGMENTS = """
WITH placed AS (
  SELECT 'grid' AS catalogue, grid_segment AS segment, period_from, period_to, orders, revenue
  FROM marts.period_segments
  WHERE snapshot_date = $snapshot_date
  UNION ALL
  SELECT 'axonaut' AS catalogue, axonaut_segment AS segment, period_from, period_to, orders, revenue
  FROM marts.period_segments
  WHERE snapshot_date = $snapshot_date
)
SELECT
  catalogue,
  segment,
  min(period_from) AS period_from,
  min(period_to) AS period_to,
  count(*) AS customers,
  sum(orders)::BIGINT AS orders,
  sum(revenue)::DECIMAL(18,2) AS revenue
FROM placed
GROUP BY catalogue, segment
ORDER BY catalogue, segment
"""

ACTIONS = """
SELECT
  action, label, who, advice, status, needs, customers, new_customers, previous_snapshot_date, valued, value_at_stake,
  most_to_spend, cost_basis
FROM marts.action_list
WHERE snapshot_date = $snapshot_date
ORDER BY place
"""

ALL = {
    "files": FILES,
    "inputs_loaded": INPUTS_LOADED,
    "lines": LINES,
    "without_occasion": WITHOUT_OCCASION,
    "customers": CUSTOMERS,
    "segments": SEGMENTS,
    "calendar": CALENDAR,
    "comparison": COMPARISON,
    "comparison_segments": COMPARISON_SEGMENTS,
    "comparison_arrivals": COMPARISON_ARRIVALS,
    "period_segments": PERIOD_SEGMENTS,
    "actions": ACTIONS,
}
