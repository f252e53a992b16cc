/*
description: "One-time against repeat buyers, their share of the buyers and of the revenue of every month, beside the same figure of a sector where an export `benchmarks` gives one; and any other key figure that it gives, those of messages among them. There is none of opens: half of them are machines', and each service counts them in its own way."
grain: [snapshot_date, kpi, period, sector]
owner: team:crm
columns:
  snapshot_date: {type: DATE, meaning: The day whose end the row describes}
  kpi:           {type: VARCHAR, meaning: "Key figure as in marts.kpis; or of the messages delivered in the period: click_rate, of which a person clicked; unsubscribe_rate, after which somebody unsubscribed or complained; conversion_rate and revenue_per_message, orders of the period that follow a click on a message within its window (the last click), and their revenue less refunds, by messages delivered"}
  period:        {type: VARCHAR, meaning: "2026-11, 2026-Q4 or 2026"}
  sector:        {type: VARCHAR, meaning: "Sector the benchmark is of; none where there is no benchmark for this figure and period"}
  period_kind:   {type: VARCHAR, values: [month, quarter, year], meaning: Length of the period}
  starts_on:     {type: DATE, meaning: First day of the period}
  is_open:       {type: BOOLEAN, meaning: Whether the period is not over}
  is_complete:   {type: BOOLEAN, meaning: "Whether the history covers every day of the period; of figures of messages, that of messages as well"}
  unit:          {type: VARCHAR, values: [currency, orders, customers, share], meaning: What the values are counted in}
  value:         {type: DOUBLE, nullable: true, meaning: Value of the shop; null where there is none}
  rests_on:      {type: BIGINT, min: 0, meaning: "How many buyers, new buyers, orders or delivered messages it rests on"}
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
WITH sent AS (
  SELECT
    date_trunc('month', sent_at)::DATE AS month,
    min(sent_at)::DATE AS first_on,
    sum(delivered) AS delivered,
    sum(clicked) AS clicked,
    sum(unsubscribed) AS unsubscribed
  FROM features.message_outcomes
  WHERE sent = 1
  GROUP BY date_trunc('month', sent_at)::DATE
),
clicked AS (
  SELECT date_trunc('month', orders.ordered_on)::DATE AS month, count(*) AS orders, sum(credits.revenue) AS revenue
  FROM marts.order_credits AS credits
  JOIN features.order_values AS orders ON orders.order_id = credits.order_id
  WHERE credits.snapshot_date = $snapshot_date AND credits.eligibility = 'click' AND credits.last_touch = 1
  GROUP BY date_trunc('month', orders.ordered_on)::DATE
),
months AS (
  SELECT
    sent.month,
    sent.delivered,
    sent.clicked,
    sent.unsubscribed,
    coalesce(clicked.orders, 0) AS orders,
    coalesce(clicked.revenue, 0) AS revenue
  FROM sent
  LEFT JOIN clicked ON clicked.month = sent.month
),
of_messages AS (
  SELECT
    periods.period,
    periods.period_kind,
    periods.starts_on,
    periods.is_open,
    periods.is_complete AND history.first_on <= periods.starts_on AS is_complete,
    sum(months.delivered)::BIGINT AS delivered,
    sum(months.clicked)::DOUBLE AS clicked,
    sum(months.unsubscribed)::DOUBLE AS unsubscribed,
    sum(months.orders)::DOUBLE AS orders,
    sum(months.revenue)::DOUBLE AS revenue
  FROM marts.kpis AS periods
  CROSS JOIN (SELECT min(first_on) AS first_on FROM sent) AS history
  JOIN months ON months.month >= periods.starts_on AND months.month <= periods.ends_on
  WHERE periods.snapshot_date = $snapshot_date AND periods.kpi = 'orders'
  GROUP BY periods.period, periods.period_kind, periods.starts_on, periods.is_open, periods.is_complete, history.first_on
),
figures AS (
  SELECT kpi, period, period_kind, starts_on, is_open, is_complete, unit, value, rests_on
  FROM marts.kpis
  WHERE snapshot_date = $snapshot_date
  UNION ALL
  SELECT
    listed.kpi,
    of_messages.period,
    of_messages.period_kind,
    of_messages.starts_on,
    of_messages.is_open,
    of_messages.is_complete,
    listed.unit,
    CASE listed.kpi
      WHEN 'click_rate' THEN of_messages.clicked
      WHEN 'unsubscribe_rate' THEN of_messages.unsubscribed
      WHEN 'conversion_rate' THEN of_messages.orders
      ELSE of_messages.revenue
    END / nullif(of_messages.delivered, 0) AS value,
    of_messages.delivered AS rests_on
  FROM of_messages
  CROSS JOIN (
    VALUES
      ('click_rate', 'share'),
      ('unsubscribe_rate', 'share'),
      ('conversion_rate', 'share'),
      ('revenue_per_message', 'currency')
  ) AS listed (kpi, unit)
)
SELECT
  $snapshot_date AS snapshot_date,
  figures.kpi,
  figures.period,
  coalesce(given.sector, 'none') AS sector,
  figures.period_kind,
  figures.starts_on,
  figures.is_open,
  figures.is_complete,
  figures.unit,
  figures.value,
  figures.rests_on,
  given.value AS benchmark,
  CASE WHEN figures.is_complete THEN figures.value - given.value END AS difference
FROM figures
LEFT JOIN staging.benchmarks AS given ON given.kpi = figures.kpi AND given.period = figures.period
WHERE given.value IS NOT NULL
  OR (
    figures.period_kind = 'month'
    AND figures.kpi IN ('one_time_share_of_buyers', 'repeat_share_of_buyers', 'one_time_share_of_revenue', 'repeat_share_of_revenue')
  )
