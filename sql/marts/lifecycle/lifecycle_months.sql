/*
description: "How customers moved between the stages of the lifecycle in each of the last 24 months of 30 days, and what they brought, all under the limits of the snapshot date and by what is known on it. Months that began before the first purchase of the shop are left out."
grain: [snapshot_date, months_ago, from_stage, to_stage]
owner: team:data
columns:
  snapshot_date: {type: DATE, meaning: The day whose end the row describes}
  months_ago:    {type: INTEGER, unit: months of 30 days, min: 1, max: 24, meaning: "Which month; 1 is the one that ends on the snapshot date"}
  begins_after:  {type: DATE, meaning: The day at whose end the month begins}
  ends_on:       {type: DATE, meaning: Its last day}
  from_stage:    {type: VARCHAR, values: [none, lead, first-time, active, defecting, inactive], meaning: "Stage when the month begins; none: neither customer nor lead"}
  to_stage:      {type: VARCHAR, values: [lead, first-time, active, defecting, inactive], meaning: Stage when it ends}
  customers:     {type: BIGINT, unit: customers, min: 1, meaning: Customers (or leads) who made this move}
  revenue:       {type: "DECIMAL(18,2)", unit: currency, meaning: "Their booked revenue of the month: sales, refunds and charges"}
tests:
  a_month_begins_with_whom_the_one_before_ended: |
    WITH begun AS (
      SELECT months_ago, from_stage AS stage, sum(customers) AS customers
      FROM marts.lifecycle_months
      WHERE snapshot_date = $snapshot_date AND from_stage <> 'none'
      GROUP BY months_ago, from_stage
    ),
    ended AS (
      SELECT months_ago, to_stage AS stage, sum(customers) AS customers
      FROM marts.lifecycle_months
      WHERE snapshot_date = $snapshot_date
      GROUP BY months_ago, to_stage
    )
    SELECT ended.months_ago, ended.stage
    FROM ended
    LEFT JOIN begun ON begun.months_ago = ended.months_ago - 1 AND begun.stage = ended.stage
    WHERE ended.months_ago > 1 AND ended.customers <> coalesce(begun.customers, 0)
  the_last_month_ends_with_the_stages_of_today: |
    WITH ended AS (
      SELECT to_stage AS stage, sum(customers) AS customers
      FROM marts.lifecycle_months
      WHERE snapshot_date = $snapshot_date AND months_ago = 1
      GROUP BY to_stage
    ),
    today AS (
      SELECT stage, count(*) AS customers
      FROM marts.lifecycle_stages
      WHERE snapshot_date = $snapshot_date
      GROUP BY stage
    )
    SELECT ended.stage, ended.customers, today.customers AS customers_today
    FROM ended
    JOIN today ON today.stage = ended.stage
    WHERE ended.customers <> today.customers
*/
WITH digits AS (
  SELECT digit FROM (VALUES (0), (1), (2), (3), (4)) AS digits (digit)
),
ends AS (
  SELECT
    5 * fives.digit + ones.digit AS months_ago,
    $snapshot_date - (150 * fives.digit + 30 * ones.digit) AS ended_on
  FROM digits AS fives
  CROSS JOIN digits AS ones
),
shop AS (
  SELECT min(occasion_on) AS first_on FROM features.standing_occasions
),
-- Stages are looked at when months end. So of what a customer did in a month, the number of occasions and the last day are
-- enough, and all that was before the earliest of these ends is as one month.
happened AS (
  SELECT customer_id, occasion_on AS happened_on, occasion_on, 1 AS occasions
  FROM features.standing_occasions
  UNION ALL
  SELECT customer_id, registered_on AS happened_on, CAST(NULL AS DATE) AS occasion_on, 0 AS occasions
  FROM staging.customers
  WHERE registered_on <= $snapshot_date
),
by_month AS (
  SELECT
    customer_id,
    least(date_diff('day', happened_on, $snapshot_date) // 30, 24) AS months_ago,
    max(occasion_on) AS last_on,
    sum(occasions) AS occasions
  FROM happened
  GROUP BY customer_id, least(date_diff('day', happened_on, $snapshot_date) // 30, 24)
),
so_far AS (
  SELECT
    customer_id,
    months_ago,
    max(last_on) OVER (
      PARTITION BY customer_id ORDER BY months_ago DESC ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS last_on,
    sum(occasions) OVER (
      PARTITION BY customer_id ORDER BY months_ago DESC ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS occasions
  FROM by_month
),
limits AS (
  SELECT
    max(defecting_days) FILTER (WHERE customer_kind = 'one-time') AS one_time_defecting,
    max(inactive_days) FILTER (WHERE customer_kind = 'one-time') AS one_time_inactive
  FROM marts.lifecycle_thresholds
  WHERE snapshot_date = $snapshot_date
),
-- From the end of that month on: the stage, the day it counts from, and the days of silence that turn it into another.
spells AS (
  SELECT
    so_far.customer_id,
    so_far.months_ago,
    CASE WHEN so_far.occasions = 0 THEN 'lead' WHEN so_far.occasions = 1 THEN 'first-time' ELSE 'active' END AS stage,
    so_far.last_on,
    CASE WHEN so_far.occasions = 1 THEN limits.one_time_defecting ELSE own.defecting_days END AS defecting_days,
    CASE WHEN so_far.occasions = 1 THEN limits.one_time_inactive ELSE own.inactive_days END AS inactive_days
  FROM so_far
  CROSS JOIN limits
  JOIN marts.lifecycle_stages AS own ON own.snapshot_date = $snapshot_date AND own.customer_id = so_far.customer_id
),
sequenced AS (
  SELECT
    customer_id,
    months_ago,
    lead(months_ago) OVER (PARTITION BY customer_id ORDER BY months_ago DESC) AS next_months_ago,
    stage,
    last_on,
    defecting_days,
    inactive_days,
    lag(stage) OVER (PARTITION BY customer_id ORDER BY months_ago DESC) AS stage_before,
    lag(last_on) OVER (PARTITION BY customer_id ORDER BY months_ago DESC) AS last_on_before,
    lag(defecting_days) OVER (PARTITION BY customer_id ORDER BY months_ago DESC) AS defecting_days_before,
    lag(inactive_days) OVER (PARTITION BY customer_id ORDER BY months_ago DESC) AS inactive_days_before
  FROM spells
),
-- The first month that ends in a spell began in the spell before; the others began in the one they end in.
months AS (
  SELECT
    sequenced.customer_id,
    ends.months_ago,
    sequenced.stage AS stage_after,
    sequenced.defecting_days AS defecting_days_after,
    sequenced.inactive_days AS inactive_days_after,
    date_diff('day', sequenced.last_on, ends.ended_on) AS silent_days_after,
    coalesce(sequenced.stage_before, 'none') AS stage_before,
    sequenced.defecting_days_before,
    sequenced.inactive_days_before,
    date_diff('day', sequenced.last_on_before, ends.ended_on) - 30 AS silent_days_before
  FROM sequenced
  JOIN ends ON ends.months_ago = sequenced.months_ago
  UNION ALL
  SELECT
    sequenced.customer_id,
    ends.months_ago,
    sequenced.stage AS stage_after,
    sequenced.defecting_days AS defecting_days_after,
    sequenced.inactive_days AS inactive_days_after,
    date_diff('day', sequenced.last_on, ends.ended_on) AS silent_days_after,
    sequenced.stage AS stage_before,
    sequenced.defecting_days AS defecting_days_before,
    sequenced.inactive_days AS inactive_days_before,
    date_diff('day', sequenced.last_on, ends.ended_on) - 30 AS silent_days_before
  FROM sequenced
  JOIN ends ON ends.months_ago < sequenced.months_ago AND ends.months_ago > coalesce(sequenced.next_months_ago, -1)
),
moves AS (
  SELECT
    customer_id,
    months_ago,
    CASE
      WHEN silent_days_before >= inactive_days_before THEN 'inactive'
      WHEN silent_days_before >= defecting_days_before THEN 'defecting'
      ELSE stage_before
    END AS from_stage,
    CASE
      WHEN silent_days_after >= inactive_days_after THEN 'inactive'
      WHEN silent_days_after >= defecting_days_after THEN 'defecting'
      ELSE stage_after
    END AS to_stage
  FROM months
  WHERE months_ago < 24
),
booked AS (
  SELECT
    customer_id,
    floor(date_diff('day', ordered_on, $snapshot_date)::DOUBLE / 30)::INTEGER AS months_ago,
    sum(amount) AS amount
  FROM staging.order_lines
  WHERE customer_id IS NOT NULL AND ordered_on <= $snapshot_date AND ordered_on > $snapshot_date - 720
  GROUP BY customer_id, floor(date_diff('day', ordered_on, $snapshot_date)::DOUBLE / 30)::INTEGER
)
SELECT
  $snapshot_date AS snapshot_date,
  moves.months_ago + 1 AS months_ago,
  $snapshot_date - 30 * (moves.months_ago + 1) AS begins_after,
  $snapshot_date - 30 * moves.months_ago AS ends_on,
  moves.from_stage,
  moves.to_stage,
  count(*) AS customers,
  coalesce(sum(booked.amount), 0)::DECIMAL(18,2) AS revenue
FROM moves
CROSS JOIN shop
LEFT JOIN booked ON booked.customer_id = moves.customer_id AND booked.months_ago = moves.months_ago
WHERE $snapshot_date - 30 * (moves.months_ago + 1) >= shop.first_on
GROUP BY moves.months_ago, moves.from_stage, moves.to_stage
