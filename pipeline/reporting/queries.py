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
    "actions": ACTIONS,
}
