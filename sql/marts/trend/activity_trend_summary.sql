/*
description: "Customers of every activity trend, what they bring, and how many of them chance alone would put there. One partition per snapshot: read several for the course over time."
grain: [snapshot_date, activity_trend]
owner: team:crm
columns:
  snapshot_date:       {type: DATE, meaning: The day whose end the row describes}
  activity_trend:      {type: VARCHAR, values: [growing, declining, stable, too_new, silent, too_few], meaning: "Trend, or why there is none"}
  customers:           {type: BIGINT, unit: customers, min: 0, meaning: Customers in the class}
  by_chance:           {type: DOUBLE, label: By chance alone, unit: customers, nullable: true, min: 0, meaning: "Customers who would be in the class if nobody had changed: the sum of the sizes of their tests; null where there is no test"}
  revenue_12_months:   {type: "DECIMAL(18,2)", label: "Revenue, 12 months", unit: currency, meaning: Revenue of these customers in the last 365 days}
  predicted_clv:       {type: DOUBLE, label: Predicted value, unit: currency, nullable: true, min: 0, meaning: Predicted value of these customers; null where nothing is predicted for lack of data}
  window_days:         {type: INTEGER, label: "Window, days", unit: days, nullable: true, min: 1, meaning: "Length of each window; classes of windows of different length are not comparable. Null without customers"}
  expected_share:      {type: DOUBLE, nullable: true, min: 0, max: 1, meaning: Share of the occasions that falls into the recent window without any change}
  seasonally_adjusted: {type: BOOLEAN, nullable: true, meaning: Whether that share is of the same windows a year ago}
tests:
  every_class: |
    SELECT count(*) AS classes FROM marts.activity_trend_summary
    WHERE snapshot_date = $snapshot_date
    HAVING count(*) <> 6
  every_customer_in_one_class: |
    SELECT sum(customers) AS customers
    FROM marts.activity_trend_summary
    WHERE snapshot_date = $snapshot_date
    HAVING sum(customers) <> (SELECT count(*) FROM marts.customer_summary WHERE snapshot_date = $snapshot_date)
  chance_moves_customers_and_makes_none: |
    SELECT sum(by_chance) AS by_chance, sum(customers) AS customers
    FROM marts.activity_trend_summary
    WHERE snapshot_date = $snapshot_date AND by_chance IS NOT NULL
    HAVING abs(sum(by_chance) - sum(customers)) > 1e-6 * (1 + sum(customers))
*/
WITH members AS (
  SELECT
    trend.activity_trend,
    count(*) AS customers,
    sum(summary.revenue_12_months) AS revenue_12_months,
    sum(clv.predicted_clv) AS predicted_clv
  FROM marts.activity_trend AS trend
  JOIN marts.customer_summary AS summary
    ON summary.snapshot_date = trend.snapshot_date AND summary.customer_id = trend.customer_id
  LEFT JOIN marts.clv_predictions AS clv
    ON clv.snapshot_date = trend.snapshot_date AND clv.customer_id = trend.customer_id
  WHERE trend.snapshot_date = $snapshot_date
  GROUP BY trend.activity_trend
),
predicted AS (
  SELECT sum(predicted_clv) IS NOT NULL AS is_predicted FROM members
),
chance AS (
  SELECT
    sum(customers) AS customers,
    sum(customers * chance_growing) AS growing,
    sum(customers * chance_declining) AS declining
  FROM marts.trend_pairs
  WHERE snapshot_date = $snapshot_date
)
SELECT
  $snapshot_date AS snapshot_date,
  listed.activity_trend,
  coalesce(members.customers, 0) AS customers,
  CASE listed.activity_trend
    WHEN 'growing' THEN chance.growing
    WHEN 'declining' THEN chance.declining
    WHEN 'stable' THEN chance.customers - chance.growing - chance.declining
  END AS by_chance,
  coalesce(members.revenue_12_months, 0) AS revenue_12_months,
  CASE WHEN predicted.is_predicted THEN coalesce(members.predicted_clv, 0.0) END AS predicted_clv,
  base.window_days,
  base.expected_share,
  base.seasonally_adjusted
FROM (
  VALUES ('growing'), ('declining'), ('stable'), ('too_new'), ('silent'), ('too_few')
) AS listed (activity_trend)
CROSS JOIN predicted
CROSS JOIN chance
LEFT JOIN members ON members.activity_trend = listed.activity_trend
LEFT JOIN marts.trend_base AS base ON base.snapshot_date = $snapshot_date
