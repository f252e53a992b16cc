/*
description: "Customers scored by recency, frequency and spend, each among those of the same basis: all that is known at the end of the day, or one period as if nothing were known outside it. A score counts the customers who are strictly worse, so equal values always score the same; that of recency may have cut points instead (rfm.recency). A query for any day, not a table."
grain: [basis, customer_id]
owner: team:crm
columns:
  basis:        {type: VARCHAR, values: [history, period], meaning: "What the customer is scored by: the whole history, or the period of params.settings, which is the last 365 days unless it is set. Nobody is scored by a period that ends after the day"}
  customer_id:  {type: VARCHAR, meaning: Customer of the shop}
  recency_days: {type: BIGINT, unit: days, min: 0, meaning: "Days from the last occasion to the end of the basis"}
  occasions:    {type: BIGINT, unit: days, min: 1, meaning: "Days with an order that stands: RFM's F"}
  orders:       {type: BIGINT, unit: orders, min: 1, meaning: Orders that stand}
  revenue:      {type: "DECIMAL(18,2)", unit: currency, meaning: "Net revenue: RFM's M"}
  r_score:      {type: INTEGER, min: 1, max: 5, meaning: Recency score; 5 bought most recently}
  f_score:      {type: INTEGER, min: 1, max: 5, meaning: Frequency score; 5 bought most often}
  m_score:      {type: INTEGER, min: 1, max: 5, meaning: Spend score; 5 spent most}
  r_third:      {type: INTEGER, min: 0, max: 2, meaning: The same in three steps of recency; 2 bought most recently}
  f_third:      {type: INTEGER, min: 0, max: 2, meaning: The same in three steps of frequency; 2 bought most often}
  m_third:      {type: INTEGER, min: 0, max: 2, meaning: The same in three steps of spend; 2 spent most}
*/
WITH period AS (
  SELECT
    coalesce(period_from, $snapshot_date - 364) AS period_from,
    coalesce(period_to, $snapshot_date) AS period_to
  FROM params.settings
),
rhythm AS (
  SELECT
    occasions.customer_id,
    date_diff('day', max(occasions.occasion_on), period.period_to) AS recency_days,
    count(*) AS occasions,
    sum(occasions.orders) AS orders
  FROM features.standing_occasions AS occasions
  CROSS JOIN period
  WHERE occasions.occasion_on BETWEEN period.period_from AND period.period_to AND period.period_to <= $snapshot_date
  GROUP BY occasions.customer_id, period.period_to
),
money AS (
  SELECT lines.customer_id, sum(lines.amount)::DECIMAL(18,2) AS revenue
  FROM staging.order_lines AS lines
  CROSS JOIN period
  WHERE lines.customer_id IS NOT NULL AND lines.ordered_on BETWEEN period.period_from AND period.period_to
  GROUP BY lines.customer_id
),
customers AS (
  SELECT 'history' AS basis, customer_id, recency_days, occasions, orders, revenue
  FROM marts.customer_summary
  WHERE snapshot_date = $snapshot_date
  UNION ALL
  SELECT 'period' AS basis, rhythm.customer_id, rhythm.recency_days, rhythm.occasions, rhythm.orders, money.revenue
  FROM rhythm
  JOIN money ON money.customer_id = rhythm.customer_id
),
everyone AS (
  SELECT basis, count(*) AS customers
  FROM customers
  GROUP BY basis
),
recency AS (
  SELECT
    basis,
    recency_days,
    coalesce(
      sum(count(*)) OVER (PARTITION BY basis ORDER BY recency_days DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0
    )::BIGINT AS worse
  FROM customers
  GROUP BY basis, recency_days
),
frequency AS (
  SELECT
    basis,
    occasions,
    coalesce(
      sum(count(*)) OVER (PARTITION BY basis ORDER BY occasions ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0
    )::BIGINT AS worse
  FROM customers
  GROUP BY basis, occasions
),
spend AS (
  SELECT
    basis,
    revenue,
    coalesce(
      sum(count(*)) OVER (PARTITION BY basis ORDER BY revenue ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0
    )::BIGINT AS worse
  FROM customers
  GROUP BY basis, revenue
)
SELECT
  customers.basis,
  customers.customer_id,
  customers.recency_days,
  customers.occasions,
  customers.orders,
  customers.revenue,
  CASE
    WHEN cuts.set_by = 'data' THEN 1 + 5 * recency.worse // nullif(everyone.customers, 0)
    WHEN customers.recency_days <= cuts.days_5 THEN 5
    WHEN customers.recency_days <= cuts.days_4 THEN 4
    WHEN customers.recency_days <= cuts.days_3 THEN 3
    WHEN customers.recency_days <= cuts.days_2 THEN 2
    ELSE 1
  END AS r_score,
  1 + 5 * frequency.worse // nullif(everyone.customers, 0) AS f_score,
  1 + 5 * spend.worse // nullif(everyone.customers, 0) AS m_score,
  3 * recency.worse // nullif(everyone.customers, 0) AS r_third,
  3 * frequency.worse // nullif(everyone.customers, 0) AS f_third,
  3 * spend.worse // nullif(everyone.customers, 0) AS m_third
FROM customers
CROSS JOIN features.recency_cuts AS cuts
JOIN everyone ON everyone.basis = customers.basis
JOIN recency ON recency.basis = customers.basis AND recency.recency_days = customers.recency_days
JOIN frequency ON frequency.basis = customers.basis AND frequency.occasions = customers.occasions
JOIN spend ON spend.basis = customers.basis AND spend.revenue = customers.revenue
