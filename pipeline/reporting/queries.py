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
  count(*) FILTER (WHERE customer_id IS NULL) AS guest_lines,
  coalesce(sum(amount), 0)::DECIMAL(18,2) AS revenue,
  coalesce(sum(amount) FILTER (WHERE customer_id IS NULL), 0)::DECIMAL(18,2) AS guest_revenue,
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
SELECT count(*) AS customers
FROM marts.customer_summary
WHERE snapshot_date = $snapshot_date
"""

ACTIONS = """
SELECT
  action, label, who, advice, status, needs, customers, new_customers, previous_snapshot_date, valued, value_at_stake,
  most_to_spend, cost_basis
FROM marts.action_list
WHERE snapshot_date = $snapshot_date
ORDER BY place
"""

ALL = {name.lower(): text for name, text in list(globals().items()) if name.isupper() and isinstance(text, str)}
