/*
title: Who that is today
caption: Customers to remind, with the file of each list
draw: table
columns:
  label: {label: Who, kind: text, audience: {folder: signals, key: file}}
  customers: {label: Customers, kind: count}
  advice: {label: What to do, kind: text}
hidden: [file, everybody]
let:
  everybody: max(everybody)
empty: ""
basis: n = {{ everybody|counted("customer") }} · orders {{ facts.range }}
*/
WITH customers AS (
  SELECT stages.stage, stages.recency_days, stages.occasions, summary.median_gap_days
  FROM marts.customer_summary AS summary
  JOIN marts.lifecycle_stages AS stages
    ON stages.snapshot_date = $snapshot_date AND stages.customer_id = summary.customer_id
  WHERE summary.snapshot_date = $snapshot_date
),
moments AS (
  SELECT back_p50_days, back_p75_days
  FROM marts.key_moments
  WHERE snapshot_date = $snapshot_date AND order_number = 1 AND cohort = 'all' AND is_main AND status = 'known'
),
counted AS (
  SELECT
    (
      SELECT count(*)
      FROM customers
      CROSS JOIN moments
      WHERE customers.occasions = 1 AND customers.recency_days BETWEEN moments.back_p50_days AND moments.back_p75_days
    ) AS second_order,
    (
      SELECT count(*)
      FROM customers
      WHERE occasions >= 3 AND median_gap_days >= 1 AND recency_days > 1.5 * median_gap_days AND stage <> 'inactive'
    ) AS overdue,
    (SELECT count(*) FROM customers) AS everybody
)
SELECT
  'One order, between the two days' AS label,
  second_order AS customers,
  'Remind them, with what goes well with the first order.' AS advice,
  CASE WHEN second_order > 0 THEN 'second_order' END AS file,
  everybody
FROM counted
WHERE everybody > 0
UNION ALL
SELECT
  'Three orders or more, none for over 1.5 times their usual gap',
  overdue,
  'Remind them of what they usually buy, before any discount.',
  CASE WHEN overdue > 0 THEN 'overdue' END,
  everybody
FROM counted
WHERE everybody > 0
