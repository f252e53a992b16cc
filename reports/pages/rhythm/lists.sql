/*
title: Whom to remind today
draw: table
columns:
  label: {label: Who, kind: text, audience: {folder: signals, key: file}}
  customers: {label: Customers, kind: count}
  advice: {label: What to do, kind: text}
hidden: [file, everybody]
let:
  everybody: max(everybody)
note: >-
  Who is lapsed is left out. On Actions everybody is in one row only, and overdue are those whose chance to order has
  fallen, too; so there are fewer there.
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
  lists.label, lists.customers, lists.advice,
  CASE WHEN lists.customers > 0 THEN lists.list END AS file,
  counted.everybody
FROM counted
CROSS JOIN (
  VALUES
    (1, 'second_order', 'One order, between the two days', counted.second_order,
     'Remind them, with what goes well with the first order.'),
    (2, 'overdue', 'Three orders or more, none for over 1.5 times their usual gap', counted.overdue,
     'Remind them of what they usually buy, before any discount.')
) AS lists (place, list, label, customers, advice)
WHERE counted.everybody > 0
ORDER BY lists.place
