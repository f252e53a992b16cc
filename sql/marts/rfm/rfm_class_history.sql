/*
description: "Customers, orders and revenue of every recency, frequency and spend class on the snapshot date and on the twelve month ends before it, each from what was known on it, by the cut points of the snapshot date: what moves are the customers, not the classes."
grain: [snapshot_date, as_of, measure, scale, step]
owner: team:crm
columns:
  snapshot_date: {type: DATE, meaning: The snapshot whose history this is}
  as_of:         {type: DATE, meaning: "The day whose end the row describes, by what was known then"}
  cuts_of:       {type: DATE, meaning: "The day whose cut points the classes have (rfm_thresholds): the snapshot date, also where as_of is earlier"}
  measure:       {type: VARCHAR, values: [recency, frequency, monetary], meaning: "What is measured: days since the last occasion, occasions, net revenue"}
  scale:         {type: VARCHAR, values: [score, tier], meaning: Scores 1–5 or tiers 1–3}
  step:          {type: INTEGER, min: 1, max: 5, meaning: "The score, or the tier from worst (1) to best (3)"}
  label:         {type: VARCHAR, meaning: Name of the step}
  lowest:        {type: "DECIMAL(18,2)", unit: days | occasions | currency, nullable: true, meaning: "Least value of the customers in the class on that day; null when it is empty"}
  highest:       {type: "DECIMAL(18,2)", unit: days | occasions | currency, nullable: true, meaning: Greatest value of them; null when it is empty}
  customers:     {type: BIGINT, unit: customers, min: 0, meaning: Customers in the class}
  orders:        {type: BIGINT, unit: orders, min: 0, meaning: "Orders of these customers that stood, from the first to as_of"}
  revenue:       {type: "DECIMAL(18,2)", unit: currency, meaning: "Net revenue of these customers, from the first line to as_of"}
tests:
  classes_of_a_scale_hold_the_same_customers: |
    WITH counted AS (
      SELECT as_of, measure, scale, sum(customers) AS customers, sum(orders) AS orders, sum(revenue) AS revenue
      FROM marts.rfm_class_history
      WHERE snapshot_date = $snapshot_date
      GROUP BY as_of, measure, scale
    )
    SELECT as_of, min(customers) AS least, max(customers) AS most
    FROM counted
    GROUP BY as_of
    HAVING min(customers) <> max(customers) OR min(orders) <> max(orders) OR min(revenue) <> max(revenue)
  every_class_of_every_day: |
    SELECT as_of, count(*) AS classes
    FROM marts.rfm_class_history
    WHERE snapshot_date = $snapshot_date
    GROUP BY as_of
    HAVING count(*) <> 24
  the_day_itself_is_that_of_the_thresholds: |
    SELECT thresholds.measure, thresholds.scale, thresholds.step, thresholds.customers, history.customers AS in_history
    FROM marts.rfm_thresholds AS thresholds
    LEFT JOIN marts.rfm_class_history AS history
      ON history.snapshot_date = thresholds.snapshot_date
      AND history.as_of = thresholds.snapshot_date
      AND history.measure = thresholds.measure
      AND history.scale = thresholds.scale
      AND history.step = thresholds.step
    WHERE thresholds.snapshot_date = $snapshot_date
      AND (
        history.customers IS DISTINCT FROM thresholds.customers
        OR history.lowest IS DISTINCT FROM thresholds.lowest
        OR history.highest IS DISTINCT FROM thresholds.highest
      )
*/
WITH month_ends AS (
  SELECT days.day AS as_of
  FROM params.days AS days
  WHERE extract(day FROM days.day + 1) = 1
    AND days.day BETWEEN ($snapshot_date - INTERVAL 1 YEAR)::DATE AND $snapshot_date - 1
    AND days.day >= (SELECT min(occasion_on) FROM staging.occasions WHERE known_on <= $snapshot_date)
),
-- The month end at which what happened on a day is seen first.
seen AS (
  SELECT days.day, min(month_ends.as_of) AS as_of
  FROM params.days AS days
  JOIN month_ends ON days.day <= month_ends.as_of
  GROUP BY days.day
),
known AS (
  SELECT
    occasions.customer_id,
    occasions.occasion_on,
    count(*) AS entries,
    min(seen.as_of) AS as_of,
    sum(occasions.orders) AS orders
  FROM staging.occasions AS occasions
  JOIN seen ON seen.day = occasions.known_on
  GROUP BY occasions.customer_id, occasions.occasion_on
),
-- Occasions that never changed stand from then on; the few that did are followed from month end to month end.
changed AS (
  SELECT occasions.customer_id, occasions.occasion_on, month_ends.as_of, sum(occasions.orders) AS orders
  FROM staging.occasions AS occasions
  JOIN known
    ON known.customer_id = occasions.customer_id AND known.occasion_on = occasions.occasion_on AND known.entries > 1
  JOIN month_ends ON month_ends.as_of >= occasions.known_on
  GROUP BY occasions.customer_id, occasions.occasion_on, month_ends.as_of
),
happened AS (
  SELECT
    customer_id,
    as_of,
    count(*) AS occasions,
    max(occasion_on) AS last_on,
    sum(orders) AS orders,
    0::DECIMAL(18,2) AS revenue,
    0 AS changed_occasions,
    NULL::DATE AS changed_last_on,
    0 AS changed_orders
  FROM known
  WHERE entries = 1 AND orders > 0
  GROUP BY customer_id, as_of
  UNION ALL
  SELECT
    customer_id,
    as_of,
    0 AS occasions,
    NULL::DATE AS last_on,
    0 AS orders,
    0::DECIMAL(18,2) AS revenue,
    count(*) FILTER (WHERE orders > 0) AS changed_occasions,
    max(occasion_on) FILTER (WHERE orders > 0) AS changed_last_on,
    sum(orders) AS changed_orders
  FROM changed
  GROUP BY customer_id, as_of
  UNION ALL
  SELECT
    lines.customer_id,
    seen.as_of,
    0 AS occasions,
    NULL::DATE AS last_on,
    0 AS orders,
    sum(lines.amount)::DECIMAL(18,2) AS revenue,
    0 AS changed_occasions,
    NULL::DATE AS changed_last_on,
    0 AS changed_orders
  FROM staging.order_lines AS lines
  JOIN seen ON seen.day = lines.ordered_on
  WHERE lines.customer_id IS NOT NULL
  GROUP BY lines.customer_id, seen.as_of
),
months AS (
  SELECT
    customer_id,
    as_of,
    sum(occasions) AS occasions,
    max(last_on) AS last_on,
    sum(orders) AS orders,
    sum(revenue) AS revenue,
    sum(changed_occasions) AS changed_occasions,
    max(changed_last_on) AS changed_last_on,
    sum(changed_orders) AS changed_orders
  FROM happened
  GROUP BY customer_id, as_of
),
-- A customer from one month with news to the next: all that was known at its end.
states AS (
  SELECT
    as_of AS since,
    lead(as_of) OVER (PARTITION BY customer_id ORDER BY as_of) AS until,
    changed_occasions
      + sum(occasions) OVER (PARTITION BY customer_id ORDER BY as_of ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS occasions,
    greatest(
      changed_last_on,
      max(last_on) OVER (PARTITION BY customer_id ORDER BY as_of ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
    ) AS last_on,
    changed_orders
      + sum(orders) OVER (PARTITION BY customer_id ORDER BY as_of ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS orders,
    sum(revenue) OVER (PARTITION BY customer_id ORDER BY as_of ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS revenue
  FROM months
),
-- Points grow with what is better: the number of the last day, occasions, revenue.
spans AS (
  SELECT
    'recency' AS measure,
    date_diff('day', DATE '1970-01-01', last_on)::DECIMAL(18,2) AS points,
    since,
    until,
    count(*) AS customers,
    sum(orders) AS orders,
    sum(revenue) AS revenue
  FROM states
  WHERE occasions > 0
  GROUP BY last_on, since, until
  UNION ALL
  SELECT
    'frequency' AS measure,
    occasions::DECIMAL(18,2) AS points,
    since,
    until,
    count(*) AS customers,
    sum(orders) AS orders,
    sum(revenue) AS revenue
  FROM states
  WHERE occasions > 0
  GROUP BY occasions, since, until
  UNION ALL
  SELECT
    'monetary' AS measure,
    revenue::DECIMAL(18,2) AS points,
    since,
    until,
    count(*) AS customers,
    sum(orders) AS orders,
    sum(revenue) AS revenue
  FROM states
  WHERE occasions > 0
  GROUP BY revenue, since, until
),
measured AS (
  SELECT
    month_ends.as_of,
    spans.measure,
    spans.points,
    sum(spans.customers)::BIGINT AS customers,
    sum(spans.orders) AS orders,
    sum(spans.revenue) AS revenue
  FROM spans
  JOIN month_ends ON month_ends.as_of >= spans.since AND month_ends.as_of < coalesce(spans.until, $snapshot_date)
  GROUP BY month_ends.as_of, spans.measure, spans.points
  UNION ALL
  SELECT
    snapshot_date AS as_of,
    'recency' AS measure,
    date_diff('day', DATE '1970-01-01', last_purchase_on)::DECIMAL(18,2) AS points,
    count(*) AS customers,
    sum(orders) AS orders,
    sum(revenue) AS revenue
  FROM marts.customer_summary
  WHERE snapshot_date = $snapshot_date
  GROUP BY snapshot_date, last_purchase_on
  UNION ALL
  SELECT
    snapshot_date AS as_of,
    'frequency' AS measure,
    occasions::DECIMAL(18,2) AS points,
    count(*) AS customers,
    sum(orders) AS orders,
    sum(revenue) AS revenue
  FROM marts.customer_summary
  WHERE snapshot_date = $snapshot_date
  GROUP BY snapshot_date, occasions
  UNION ALL
  SELECT
    snapshot_date AS as_of,
    'monetary' AS measure,
    revenue AS points,
    count(*) AS customers,
    sum(orders) AS orders,
    sum(revenue) AS revenue
  FROM marts.customer_summary
  WHERE snapshot_date = $snapshot_date
  GROUP BY snapshot_date, revenue
),
amounts AS (
  SELECT
    as_of,
    measure,
    CASE WHEN measure = 'recency' THEN date_diff('day', DATE '1970-01-01', as_of) - points ELSE points END AS amount,
    CASE WHEN measure = 'recency' THEN points - date_diff('day', DATE '1970-01-01', as_of) ELSE points END AS standing,
    customers,
    orders,
    revenue
  FROM measured
),
-- The most that each step still holds, where more is better.
cuts AS (
  SELECT
    measure,
    scale,
    max(CASE WHEN measure = 'recency' THEN -cut ELSE cut END) FILTER (WHERE step = 1) AS cut_1,
    max(CASE WHEN measure = 'recency' THEN -cut ELSE cut END) FILTER (WHERE step = 2) AS cut_2,
    max(CASE WHEN measure = 'recency' THEN -cut ELSE cut END) FILTER (WHERE step = 3) AS cut_3,
    max(CASE WHEN measure = 'recency' THEN -cut ELSE cut END) FILTER (WHERE step = 4) AS cut_4
  FROM marts.rfm_thresholds
  WHERE snapshot_date = $snapshot_date
  GROUP BY measure, scale
),
placed AS (
  SELECT
    amounts.as_of,
    amounts.measure,
    cuts.scale,
    CASE
      WHEN cuts.cut_1 IS NULL OR amounts.standing <= cuts.cut_1 THEN 1
      WHEN cuts.cut_2 IS NULL OR amounts.standing <= cuts.cut_2 THEN 2
      WHEN cuts.cut_3 IS NULL OR amounts.standing <= cuts.cut_3 THEN 3
      WHEN cuts.cut_4 IS NULL OR amounts.standing <= cuts.cut_4 THEN 4
      ELSE 5
    END AS step,
    amounts.amount,
    amounts.customers,
    amounts.orders,
    amounts.revenue
  FROM amounts
  JOIN cuts ON cuts.measure = amounts.measure
),
classes AS (
  SELECT
    as_of,
    measure,
    scale,
    step,
    min(amount) AS lowest,
    max(amount) AS highest,
    sum(customers) AS customers,
    sum(orders) AS orders,
    sum(revenue) AS revenue
  FROM placed
  GROUP BY as_of, measure, scale, step
),
listed AS (
  SELECT as_of FROM month_ends
  UNION ALL
  SELECT $snapshot_date AS as_of
)
SELECT
  $snapshot_date AS snapshot_date,
  listed.as_of,
  $snapshot_date AS cuts_of,
  steps.measure,
  steps.scale,
  steps.step,
  steps.label,
  classes.lowest,
  classes.highest,
  coalesce(classes.customers, 0) AS customers,
  coalesce(classes.orders, 0) AS orders,
  coalesce(classes.revenue, 0) AS revenue
FROM listed
JOIN marts.rfm_thresholds AS steps ON steps.snapshot_date = $snapshot_date
LEFT JOIN classes
  ON classes.as_of = listed.as_of
  AND classes.measure = steps.measure
  AND classes.scale = steps.scale
  AND classes.step = steps.step
