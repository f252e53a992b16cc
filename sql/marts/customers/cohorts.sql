/*
description: "Customers by the calendar month of their first purchase, month by month from then on: how many came back, what they ordered and brought. Recomputed whole by what is known on the snapshot date; a month that is not over is unknown, not zero."
grain: [snapshot_date, cohort, age_months]
owner: team:crm
columns:
  snapshot_date:      {type: DATE, meaning: The day whose end the row describes}
  cohort:             {type: DATE, meaning: "First day of the month of the first purchase. The first cohort of a history also holds whoever bought before it began"}
  age_months:         {type: BIGINT, unit: months, min: 0, meaning: "Calendar months since the cohort's; 0 is the month of the first purchase itself"}
  month:              {type: DATE, meaning: First day of the calendar month in which the cohort has this age}
  is_complete:        {type: BOOLEAN, meaning: "Whether that month is over for the whole cohort; if not, all below but customers is null"}
  customers:          {type: BIGINT, unit: customers, min: 1, meaning: "Customers of the cohort, so far if its own month is not over"}
  active_customers:   {type: BIGINT, unit: customers, nullable: true, min: 0, meaning: Customers of the cohort with an occasion in the month}
  retention:          {type: DOUBLE, unit: share, nullable: true, min: 0, max: 1, meaning: active_customers / customers}
  retention_low:      {type: DOUBLE, unit: share, nullable: true, min: 0, max: 1, meaning: Lower end of its 95 % interval (Wilson)}
  retention_high:     {type: DOUBLE, unit: share, nullable: true, min: 0, max: 1, meaning: Upper end of its 95 % interval (Wilson)}
  orders:             {type: BIGINT, unit: orders, nullable: true, min: 0, meaning: Orders of the month that stand}
  revenue:            {type: "DECIMAL(18,2)", unit: currency, nullable: true, meaning: "Sales, charges and refunds of the cohort booked in the month; at age 0 also what was booked before the first purchase that stands"}
  cumulative_revenue: {type: "DECIMAL(18,2)", unit: currency, nullable: true, meaning: Revenue up to the end of the month}
  cumulative_revenue_per_customer: {type: DOUBLE, unit: currency, nullable: true, meaning: cumulative_revenue / customers}
tests:
  every_customer_in_one_cohort: |
    WITH sizes AS (
      SELECT coalesce(sum(customers), 0) AS customers
      FROM marts.cohorts
      WHERE snapshot_date = $snapshot_date AND age_months = 0
    ),
    everybody AS (
      SELECT count(*) AS customers FROM marts.customer_summary WHERE snapshot_date = $snapshot_date
    )
    SELECT sizes.customers, everybody.customers AS in_summary
    FROM sizes
    CROSS JOIN everybody
    WHERE sizes.customers <> everybody.customers
  everybody_is_active_in_the_first_month: |
    SELECT cohort, customers, active_customers
    FROM marts.cohorts
    WHERE snapshot_date = $snapshot_date AND age_months = 0 AND is_complete AND active_customers <> customers
  revenue_is_that_of_months_that_are_over: |
    WITH shown AS (
      SELECT coalesce(sum(revenue), 0) AS revenue FROM marts.cohorts WHERE snapshot_date = $snapshot_date
    ),
    booked AS (
      SELECT coalesce(sum(lines.amount), 0) AS revenue
      FROM staging.order_lines AS lines
      JOIN marts.customer_summary AS summary
        ON summary.snapshot_date = $snapshot_date AND summary.customer_id = lines.customer_id
      WHERE lines.ordered_on < date_trunc('month', $snapshot_date + 1)::DATE
        AND summary.first_purchase_on < date_trunc('month', $snapshot_date + 1)::DATE
    )
    SELECT shown.revenue, booked.revenue AS booked_revenue
    FROM shown
    CROSS JOIN booked
    WHERE shown.revenue <> booked.revenue
  unknown_exactly_where_not_over: |
    SELECT cohort, age_months
    FROM marts.cohorts
    WHERE snapshot_date = $snapshot_date AND is_complete <> (
      active_customers IS NOT NULL AND retention IS NOT NULL AND orders IS NOT NULL
      AND cumulative_revenue_per_customer IS NOT NULL
    )
*/
WITH members AS (
  SELECT customer_id, date_trunc('month', first_purchase_on)::DATE AS cohort
  FROM marts.customer_summary
  WHERE snapshot_date = $snapshot_date
),
sizes AS (
  SELECT cohort, count(*) AS customers
  FROM members
  GROUP BY cohort
),
months AS (
  SELECT days.day AS month, (days.day + INTERVAL 1 MONTH)::DATE - 1 <= $snapshot_date AS is_complete
  FROM params.days AS days
  WHERE extract(day FROM days.day) = 1 AND days.day <= $snapshot_date
),
bought AS (
  SELECT
    members.cohort,
    date_trunc('month', standing.occasion_on)::DATE AS month,
    count(DISTINCT standing.customer_id) AS active_customers,
    sum(standing.orders) AS orders
  FROM features.standing_occasions AS standing
  JOIN members ON members.customer_id = standing.customer_id
  GROUP BY members.cohort, date_trunc('month', standing.occasion_on)::DATE
),
booked AS (
  SELECT
    members.cohort,
    greatest(date_trunc('month', lines.ordered_on)::DATE, members.cohort) AS month,
    sum(lines.amount) AS revenue
  FROM staging.order_lines AS lines
  JOIN members ON members.customer_id = lines.customer_id
  WHERE lines.ordered_on <= $snapshot_date
  GROUP BY members.cohort, greatest(date_trunc('month', lines.ordered_on)::DATE, members.cohort)
),
cells AS (
  SELECT
    sizes.cohort,
    (extract(year FROM months.month) - extract(year FROM sizes.cohort)) * 12
      + extract(month FROM months.month) - extract(month FROM sizes.cohort) AS age_months,
    months.month,
    months.is_complete,
    sizes.customers,
    coalesce(bought.active_customers, 0) AS active_customers,
    coalesce(bought.active_customers, 0)::DOUBLE / nullif(sizes.customers, 0) AS retention,
    3.841458820694124::DOUBLE / nullif(sizes.customers, 0) AS z_squared_per_customer,
    coalesce(bought.orders, 0) AS orders,
    coalesce(booked.revenue, 0) AS revenue,
    sum(coalesce(booked.revenue, 0)) OVER (
      PARTITION BY sizes.cohort ORDER BY months.month ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS cumulative_revenue
  FROM sizes
  JOIN months ON months.month >= sizes.cohort
  LEFT JOIN bought ON bought.cohort = sizes.cohort AND bought.month = months.month
  LEFT JOIN booked ON booked.cohort = sizes.cohort AND booked.month = months.month
),
-- Wilson (1927), with z²/n: centre (p + z²/2n) / (1 + z²/n), half width √(z²/n · (p(1 − p) + z²/4n)) / (1 + z²/n).
intervals AS (
  SELECT
    cohort,
    age_months,
    (retention + 0.5 * z_squared_per_customer) / nullif(1 + z_squared_per_customer, 0) AS centre,
    sqrt(z_squared_per_customer * (retention * (1 - retention) + 0.25 * z_squared_per_customer))
      / nullif(1 + z_squared_per_customer, 0) AS half_width
  FROM cells
)
SELECT
  $snapshot_date AS snapshot_date,
  cells.cohort,
  cells.age_months,
  cells.month,
  cells.is_complete,
  cells.customers,
  CASE WHEN cells.is_complete THEN cells.active_customers END AS active_customers,
  CASE WHEN cells.is_complete THEN cells.retention END AS retention,
  CASE WHEN cells.is_complete THEN greatest(0, intervals.centre - intervals.half_width) END AS retention_low,
  CASE WHEN cells.is_complete THEN least(1, intervals.centre + intervals.half_width) END AS retention_high,
  CASE WHEN cells.is_complete THEN cells.orders END AS orders,
  CASE WHEN cells.is_complete THEN cells.revenue END AS revenue,
  CASE WHEN cells.is_complete THEN cells.cumulative_revenue END AS cumulative_revenue,
  CASE WHEN cells.is_complete THEN
    cells.cumulative_revenue::DOUBLE / nullif(cells.customers, 0)
  END AS cumulative_revenue_per_customer
FROM cells
JOIN intervals ON intervals.cohort = cells.cohort AND intervals.age_months = cells.age_months
