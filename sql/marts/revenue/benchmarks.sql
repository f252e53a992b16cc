/*
description: "One-time against repeat buyers, their share of the buyers and of the revenue of every month, beside the same figure of a sector where an export `benchmarks` gives one; and any other key figure that it gives."
grain: [snapshot_date, kpi, period, sector]
owner: team:crm
columns:
  snapshot_date: {type: DATE, meaning: The day whose end the row describes}
  kpi:           {type: VARCHAR, meaning: Key figure as in marts.kpis}
  period:        {type: VARCHAR, meaning: "2026-11, 2026-Q4 or 2026"}
  sector:        {type: VARCHAR, meaning: "Sector the benchmark is of; none where there is no benchmark for this figure and period"}
  period_kind:   {type: VARCHAR, values: [month, quarter, year], meaning: Length of the period}
  starts_on:     {type: DATE, meaning: First day of the period}
  is_open:       {type: BOOLEAN, meaning: Whether the period is not over}
  is_complete:   {type: BOOLEAN, meaning: Whether the history covers every day of the period}
  unit:          {type: VARCHAR, values: [currency, orders, customers, share], meaning: What the values are counted in}
  value:         {type: DOUBLE, nullable: true, meaning: Value of the shop; null where there is none}
  rests_on:      {type: BIGINT, min: 0, meaning: "How many buyers, new buyers or orders it rests on"}
  benchmark:     {type: DOUBLE, nullable: true, meaning: Value of the sector; null where none is given}
  difference:    {type: DOUBLE, nullable: true, meaning: "value − benchmark; null unless the period is complete"}
tests:
  shares_of_a_month_add_up: |
    WITH shares AS (
      SELECT DISTINCT kpi, period, value
      FROM marts.benchmarks
      WHERE snapshot_date = $snapshot_date AND period_kind = 'month'
        AND kpi IN ('one_time_share_of_buyers', 'repeat_share_of_buyers', 'one_time_share_of_revenue', 'repeat_share_of_revenue')
    )
    SELECT period, count(*) AS shares, sum(value) AS sum_of_shares
    FROM shares
    GROUP BY period
    HAVING count(*) <> 4 OR abs(sum(value) - count(value)::DOUBLE * 0.5) > 0.00000001
*/
SELECT
  $snapshot_date AS snapshot_date,
  kpis.kpi,
  kpis.period,
  coalesce(given.sector, 'none') AS sector,
  kpis.period_kind,
  kpis.starts_on,
  kpis.is_open,
  kpis.is_complete,
  kpis.unit,
  kpis.value,
  kpis.rests_on,
  given.value AS benchmark,
  CASE WHEN kpis.is_complete THEN kpis.value - given.value END AS difference
FROM marts.kpis AS kpis
LEFT JOIN staging.benchmarks AS given ON given.kpi = kpis.kpi AND given.period = kpis.period
WHERE kpis.snapshot_date = $snapshot_date
  AND (
    given.value IS NOT NULL
    OR (
      kpis.period_kind = 'month'
      AND kpis.kpi IN ('one_time_share_of_buyers', 'repeat_share_of_buyers', 'one_time_share_of_revenue', 'repeat_share_of_revenue')
    )
  )
