/*
description: "Two RFM variables crossed, cell by cell: recency × frequency, frequency × spend, recency × spend. All 25 cells of each, empty ones with 0 customers."
grain: [snapshot_date, pair, first_score, second_score]
owner: team:crm
columns:
  snapshot_date:      {type: DATE, meaning: The day whose end the row describes}
  pair:               {type: VARCHAR, values: [RF, FM, RM], meaning: "Which two variables: R recency, F frequency, M spend"}
  first_score:        {type: INTEGER, min: 1, max: 5, meaning: Score in the first variable of the pair}
  second_score:       {type: INTEGER, min: 1, max: 5, meaning: Score in the second variable of the pair}
  customers:          {type: BIGINT, unit: customers, min: 0, meaning: Customers in the cell}
  orders:             {type: BIGINT, unit: orders, min: 0, meaning: Orders of these customers}
  revenue:            {type: "DECIMAL(18,2)", unit: currency, meaning: Net revenue of these customers up to the snapshot date}
  mean_order_value:   {type: DOUBLE, unit: currency, nullable: true, meaning: "Sales and charges per order of these customers, before refunds; null in an empty cell"}
  mean_predicted_clv: {type: DOUBLE, unit: currency, nullable: true, min: 0, meaning: "Mean predicted value of these customers; null in an empty cell and without enough data"}
  spearman:           {type: DOUBLE, nullable: true, min: -1, max: 1, meaning: "Rank correlation of the two variables over all customers, recency counted so that later is more; the same in every cell of the pair; null when one variable is constant"}
tests:
  every_customer_in_one_cell_per_pair: |
    SELECT pair, sum(customers) AS customers
    FROM marts.rfm_crosstab
    WHERE snapshot_date = $snapshot_date
    GROUP BY pair
    HAVING sum(customers) <> (SELECT count(*) FROM marts.rfm_scores WHERE snapshot_date = $snapshot_date)
*/
WITH customers AS (
  SELECT
    scores.customer_id,
    scores.r_score,
    scores.f_score,
    scores.m_score,
    scores.revenue,
    summary.orders,
    -- In whole cents: a sum of floats depends on the order of its rows.
    floor(100 * summary.orders * summary.mean_order_value + 0.5)::BIGINT AS order_cents,
    floor(100 * clv.predicted_clv + 0.5)::BIGINT AS predicted_cents,
    2 * rank() OVER (ORDER BY scores.recency_days DESC) + count(*) OVER (PARTITION BY scores.recency_days) AS r_rank,
    2 * rank() OVER (ORDER BY scores.occasions) + count(*) OVER (PARTITION BY scores.occasions) AS f_rank,
    2 * rank() OVER (ORDER BY scores.revenue) + count(*) OVER (PARTITION BY scores.revenue) AS m_rank
  FROM marts.rfm_scores AS scores
  JOIN marts.customer_summary AS summary
    ON summary.snapshot_date = scores.snapshot_date AND summary.customer_id = scores.customer_id
  LEFT JOIN marts.clv_predictions AS clv
    ON clv.snapshot_date = scores.snapshot_date AND clv.customer_id = scores.customer_id
  WHERE scores.snapshot_date = $snapshot_date
),
pairs AS (
  SELECT 'RF' AS pair, r_score AS first_score, f_score AS second_score, r_rank AS first_rank, f_rank AS second_rank, orders, order_cents, predicted_cents, revenue
  FROM customers
  UNION ALL
  SELECT 'FM' AS pair, f_score AS first_score, m_score AS second_score, f_rank AS first_rank, m_rank AS second_rank, orders, order_cents, predicted_cents, revenue
  FROM customers
  UNION ALL
  SELECT 'RM' AS pair, r_score AS first_score, m_score AS second_score, r_rank AS first_rank, m_rank AS second_rank, orders, order_cents, predicted_cents, revenue
  FROM customers
),
cells AS (
  SELECT
    pair,
    first_score,
    second_score,
    count(*) AS customers,
    sum(orders) AS orders,
    sum(revenue) AS revenue,
    sum(order_cents)::DOUBLE / 100 / nullif(sum(orders)::DOUBLE, 0) AS mean_order_value,
    sum(predicted_cents)::DOUBLE / 100 / nullif(count(predicted_cents), 0) AS mean_predicted_clv
  FROM pairs
  GROUP BY pair, first_score, second_score
),
correlations AS (
  SELECT
    pair,
    CASE
      WHEN min(first_rank) < max(first_rank) AND min(second_rank) < max(second_rank)
        THEN corr(first_rank::DOUBLE, second_rank::DOUBLE)
    END AS spearman
  FROM pairs
  GROUP BY pair
),
scores AS (
  SELECT score FROM (VALUES (1), (2), (3), (4), (5)) AS listed (score)
),
frame AS (
  SELECT names.pair, first.score AS first_score, second.score AS second_score
  FROM (VALUES ('RF'), ('FM'), ('RM')) AS names (pair)
  CROSS JOIN scores AS first
  CROSS JOIN scores AS second
)
SELECT
  $snapshot_date AS snapshot_date,
  frame.pair,
  frame.first_score,
  frame.second_score,
  coalesce(cells.customers, 0) AS customers,
  coalesce(cells.orders, 0) AS orders,
  coalesce(cells.revenue, 0) AS revenue,
  cells.mean_order_value,
  cells.mean_predicted_clv,
  correlations.spearman
FROM frame
LEFT JOIN cells
  ON cells.pair = frame.pair AND cells.first_score = frame.first_score AND cells.second_score = frame.second_score
LEFT JOIN correlations ON correlations.pair = frame.pair
