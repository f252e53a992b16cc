/*
description: "Averages of all customers: what a marketer compares one customer with. Each with its number of customers and a 95 % interval."
grain: [snapshot_date, measure]
owner: team:crm
columns:
  snapshot_date: {type: DATE, meaning: The day whose end the row describes}
  measure:       {type: VARCHAR, meaning: "What is averaged over customers", values: [orders, occasions, order_value, gap_days, revenue_12_months, historic_clv, predicted_clv]}
  unit:          {type: VARCHAR, meaning: "orders, days, currency", values: [orders, occasions, days, currency]}
  customers:     {type: BIGINT, unit: customers, min: 0, meaning: Customers with a value}
  mean:          {type: DOUBLE, nullable: true, meaning: "Mean over these customers; null below two"}
  median:        {type: DOUBLE, nullable: true, meaning: Median over these customers}
  mean_low:      {type: DOUBLE, nullable: true, meaning: Lower end of the 95 % interval of the mean}
  mean_high:     {type: DOUBLE, nullable: true, meaning: Upper end of the 95 % interval of the mean}
*/
WITH long AS (
  SELECT 'orders' AS measure, 'orders' AS unit, orders::DOUBLE AS value
  FROM marts.customer_summary WHERE snapshot_date = $snapshot_date
  UNION ALL
  SELECT 'occasions' AS measure, 'occasions' AS unit, occasions::DOUBLE AS value
  FROM marts.customer_summary WHERE snapshot_date = $snapshot_date
  UNION ALL
  SELECT 'order_value' AS measure, 'currency' AS unit, mean_order_value AS value
  FROM marts.customer_summary WHERE snapshot_date = $snapshot_date
  UNION ALL
  SELECT 'gap_days' AS measure, 'days' AS unit, active_span_days::DOUBLE / nullif(frequency::DOUBLE, 0) AS value
  FROM marts.customer_summary WHERE snapshot_date = $snapshot_date
  UNION ALL
  SELECT 'revenue_12_months' AS measure, 'currency' AS unit, revenue_12_months::DOUBLE AS value
  FROM marts.customer_summary WHERE snapshot_date = $snapshot_date
  UNION ALL
  SELECT 'historic_clv' AS measure, 'currency' AS unit, historic_clv::DOUBLE AS value
  FROM marts.clv_predictions WHERE snapshot_date = $snapshot_date
  UNION ALL
  SELECT 'predicted_clv' AS measure, 'currency' AS unit, predicted_clv AS value
  FROM marts.clv_predictions WHERE snapshot_date = $snapshot_date
),
averages AS (
  SELECT
    measure,
    unit,
    count(value) AS customers,
    avg(value) AS mean,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY value) AS median,
    sqrt(stddev_samp(value) * stddev_samp(value) / nullif(count(value)::DOUBLE, 0)) AS standard_error
  FROM long
  GROUP BY measure, unit
)
SELECT
  $snapshot_date AS snapshot_date,
  measure,
  unit,
  customers,
  CASE WHEN customers > 1 THEN mean END AS mean,
  median,
  CASE WHEN customers > 1 THEN mean - 1.96 * standard_error END AS mean_low,
  CASE WHEN customers > 1 THEN mean + 1.96 * standard_error END AS mean_high
FROM averages
