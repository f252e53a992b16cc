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
sequenced AS (
  SELECT
    customer_id,
    occasion_on,
    row_number() OVER (PARTITION BY customer_id ORDER BY occasion_on) AS occasions,
    lead(occasion_on) OVER (PARTITION BY customer_id ORDER BY occasion_on) AS next_on
  FROM features.standing_occasions
),
firsts AS (
  SELECT customer_id, occasion_on AS first_on
  FROM sequenced
  WHERE occasions = 1
),
shop AS (
  SELECT min(first_on) AS first_on FROM firsts
),
positions AS (
  SELECT
    sequenced.customer_id,
    ends.months_ago,
    sequenced.occasions,
    date_diff('day', sequenced.occasion_on, ends.ended_on) AS silent_days
  FROM sequenced
  JOIN ends
    ON ends.ended_on >= sequenced.occasion_on
    AND (sequenced.next_on IS NULL OR ends.ended_on < sequenced.next_on)
  UNION ALL
  SELECT registered.customer_id, ends.months_ago, 0 AS occasions, 0 AS silent_days
  FROM staging.customers AS registered
  LEFT JOIN firsts ON firsts.customer_id = registered.customer_id
  JOIN ends
    ON ends.ended_on >= registered.registered_on
    AND (firsts.first_on IS NULL OR ends.ended_on < firsts.first_on)
),
limits AS (
  SELECT
    max(defecting_days) FILTER (WHERE customer_kind = 'one-time') AS one_time_defecting,
    max(inactive_days) FILTER (WHERE customer_kind = 'one-time') AS one_time_inactive
  FROM marts.lifecycle_thresholds
  WHERE snapshot_date = $snapshot_date
),
placed AS (
  SELECT
    positions.customer_id,
    positions.months_ago,
    CASE
      WHEN positions.occasions = 0 THEN 'lead'
      WHEN positions.silent_days >= CASE WHEN positions.occasions = 1 THEN limits.one_time_inactive ELSE own.inactive_days END
        THEN 'inactive'
      WHEN positions.silent_days >= CASE WHEN positions.occasions = 1 THEN limits.one_time_defecting ELSE own.defecting_days END
        THEN 'defecting'
      WHEN positions.occasions = 1 THEN 'first-time'
      ELSE 'active'
    END AS stage
  FROM positions
  CROSS JOIN limits
  JOIN marts.lifecycle_stages AS own ON own.snapshot_date = $snapshot_date AND own.customer_id = positions.customer_id
),
booked AS (
  SELECT
    customer_id,
    floor(date_diff('day', ordered_on, $snapshot_date)::DOUBLE / 30)::INTEGER + 1 AS months_ago,
    sum(amount) AS amount
  FROM staging.order_lines
  WHERE customer_id IS NOT NULL AND ordered_on <= $snapshot_date AND ordered_on > $snapshot_date - 720
  GROUP BY customer_id, floor(date_diff('day', ordered_on, $snapshot_date)::DOUBLE / 30)::INTEGER + 1
)
SELECT
  $snapshot_date AS snapshot_date,
  after.months_ago + 1 AS months_ago,
  $snapshot_date - 30 * (after.months_ago + 1) AS begins_after,
  $snapshot_date - 30 * after.months_ago AS ends_on,
  coalesce(before.stage, 'none') AS from_stage,
  after.stage AS to_stage,
  count(*) AS customers,
  coalesce(sum(booked.amount), 0)::DECIMAL(18,2) AS revenue
FROM placed AS after
CROSS JOIN shop
LEFT JOIN placed AS before ON before.customer_id = after.customer_id AND before.months_ago = after.months_ago + 1
LEFT JOIN booked ON booked.customer_id = after.customer_id AND booked.months_ago = after.months_ago + 1
WHERE after.months_ago < 24 AND $snapshot_date - 30 * (after.months_ago + 1) >= shop.first_on
GROUP BY after.months_ago, coalesce(before.stage, 'none'), after.stage
