/*
description: "How customers moved between the stages of the lifecycle in the last 30 and the last 90 days, both ends under the limits of the snapshot date. Who was a customer then and is none now (all orders cancelled, or erased) is left out."
grain: [snapshot_date, horizon_days, from_stage, to_stage]
owner: team:crm
columns:
  snapshot_date: {type: DATE, meaning: The day whose end the row describes}
  horizon_days:  {type: INTEGER, unit: days, values: [30, 90], meaning: How long before the snapshot date the earlier stage is taken}
  from_stage:    {type: VARCHAR, values: [none, lead, first-time, active, defecting, inactive], meaning: "Stage then; none: neither customer nor lead"}
  to_stage:      {type: VARCHAR, values: [lead, first-time, active, defecting, inactive], meaning: Stage on the snapshot date}
  customers:     {type: BIGINT, unit: customers, min: 0, meaning: Customers (or leads) who made this move}
  from_customers: {type: BIGINT, unit: customers, min: 0, meaning: "n of the row: all who were in from_stage then"}
  share:         {type: DOUBLE, nullable: true, min: 0, max: 1, meaning: customers / from_customers; null where nobody was in from_stage}
  share_low:     {type: DOUBLE, nullable: true, min: 0, max: 1, meaning: Lower end of the 95 % interval of the share (Wilson)}
  share_high:    {type: DOUBLE, nullable: true, min: 0, max: 1, meaning: Upper end of it}
tests:
  everybody_moves_once: |
    SELECT transitions.horizon_days, sum(transitions.customers) AS customers
    FROM marts.lifecycle_transitions AS transitions
    WHERE transitions.snapshot_date = $snapshot_date
    GROUP BY transitions.horizon_days
    HAVING sum(transitions.customers) <> (
      SELECT count(*) FROM marts.lifecycle_stages AS stages WHERE stages.snapshot_date = $snapshot_date
    )
  rows_sum_to_n: |
    SELECT horizon_days, from_stage, sum(customers) AS customers
    FROM marts.lifecycle_transitions
    WHERE snapshot_date = $snapshot_date
    GROUP BY horizon_days, from_stage
    HAVING sum(customers) <> max(from_customers)
*/
WITH moves AS (
  SELECT 30 AS horizon_days, coalesce(stage_30_days_ago, 'none') AS from_stage, stage AS to_stage
  FROM marts.lifecycle_stages
  WHERE snapshot_date = $snapshot_date
  UNION ALL
  SELECT 90 AS horizon_days, coalesce(stage_90_days_ago, 'none') AS from_stage, stage AS to_stage
  FROM marts.lifecycle_stages
  WHERE snapshot_date = $snapshot_date
),
counted AS (
  SELECT horizon_days, from_stage, to_stage, count(*) AS customers
  FROM moves
  GROUP BY horizon_days, from_stage, to_stage
),
cells AS (
  SELECT horizons.horizon_days, origins.from_stage, targets.to_stage
  FROM (VALUES (30), (90)) AS horizons (horizon_days)
  CROSS JOIN (
    VALUES ('none'), ('lead'), ('first-time'), ('active'), ('defecting'), ('inactive')
  ) AS origins (from_stage)
  CROSS JOIN (VALUES ('lead'), ('first-time'), ('active'), ('defecting'), ('inactive')) AS targets (to_stage)
),
filled AS (
  SELECT
    cells.horizon_days,
    cells.from_stage,
    cells.to_stage,
    coalesce(counted.customers, 0) AS customers,
    sum(coalesce(counted.customers, 0)) OVER (PARTITION BY cells.horizon_days, cells.from_stage) AS from_customers
  FROM cells
  LEFT JOIN counted
    ON counted.horizon_days = cells.horizon_days
    AND counted.from_stage = cells.from_stage
    AND counted.to_stage = cells.to_stage
),
shares AS (
  SELECT
    horizon_days,
    from_stage,
    to_stage,
    customers,
    from_customers,
    nullif(from_customers, 0)::DOUBLE AS n,
    customers::DOUBLE / nullif(from_customers, 0) AS share,
    1.959963984540054::DOUBLE * 1.959963984540054::DOUBLE AS z2
  FROM filled
),
wilson AS (
  SELECT
    horizon_days,
    from_stage,
    to_stage,
    customers,
    from_customers,
    share,
    (share + z2 / nullif(2 * n, 0)) / nullif(1 + z2 / nullif(n, 0), 0) AS middle,
    sqrt(z2 * (share * (1 - share) / nullif(n, 0) + z2 / nullif(4 * n * n, 0))) / nullif(1 + z2 / nullif(n, 0), 0) AS half
  FROM shares
)
SELECT
  $snapshot_date AS snapshot_date,
  horizon_days,
  from_stage,
  to_stage,
  customers,
  from_customers,
  share,
  CASE WHEN share IS NOT NULL THEN greatest(0.0, middle - half) END AS share_low,
  CASE WHEN share IS NOT NULL THEN least(1.0, middle + half) END AS share_high
FROM wilson
