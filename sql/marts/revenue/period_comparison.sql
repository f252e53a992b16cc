/*
description: "Two periods compared, B with A: customers, orders, revenue, and what the change of revenue is due to. By default the last half of the history with the first (of an odd number of days the first is left out), or the periods set (--compare). Beside it the same dates a year earlier: what the season alone may do."
grain: [snapshot_date, pair]
owner: team:finance
columns:
  snapshot_date:         {type: DATE, meaning: "The day whose end the row describes: what was cancelled by then does not count"}
  pair:                  {type: VARCHAR, values: [asked, year_earlier], meaning: "The comparison asked for, or its dates a year earlier"}
  set_by:                {type: VARCHAR, values: [history, settings], meaning: "Whether the periods are the halves of the history or come from the settings"}
  status:                {type: VARCHAR, values: [compared, partly_covered, insufficient_data], meaning: "compared; partly_covered = period A begins before the history does (asked pair only), so that A looks smaller than it was; insufficient_data = a period lies before the history or ends after the snapshot date, or the year-earlier A is not covered whole: every figure is null"}
  a_from:                {type: DATE, nullable: true, meaning: "First day of period A; null with a history of less than two days"}
  a_to:                  {type: DATE, nullable: true, meaning: Last day of period A}
  b_from:                {type: DATE, nullable: true, meaning: First day of period B}
  b_to:                  {type: DATE, nullable: true, meaning: Last day of period B}
  a_days:                {type: BIGINT, unit: days, nullable: true, min: 1, meaning: Length of period A}
  b_days:                {type: BIGINT, unit: days, nullable: true, min: 1, meaning: Length of period B}
  a_customers:           {type: BIGINT, unit: customers, nullable: true, min: 0, meaning: "Customers with an occasion in A; guests are none"}
  b_customers:           {type: BIGINT, unit: customers, nullable: true, min: 0, meaning: Customers with an occasion in B}
  kept_customers:        {type: BIGINT, unit: customers, nullable: true, min: 0, meaning: Customers with an occasion in both}
  lost_customers:        {type: BIGINT, unit: customers, nullable: true, min: 0, meaning: Customers with an occasion in A and none in B}
  new_customers:         {type: BIGINT, unit: customers, nullable: true, min: 0, meaning: Customers with an occasion in B and none in A}
  a_orders:              {type: BIGINT, unit: orders, nullable: true, min: 0, meaning: Orders of these customers in A that stand}
  b_orders:              {type: BIGINT, unit: orders, nullable: true, min: 0, meaning: Orders of these customers in B that stand}
  a_orders_per_customer: {type: DOUBLE, unit: orders, nullable: true, min: 1, meaning: "a_orders / a_customers; null without customers"}
  b_orders_per_customer: {type: DOUBLE, unit: orders, nullable: true, min: 1, meaning: b_orders / b_customers}
  a_order_value:         {type: DOUBLE, unit: currency, nullable: true, meaning: "a_revenue / a_orders: net of refunds; null without orders"}
  b_order_value:         {type: DOUBLE, unit: currency, nullable: true, meaning: b_revenue / b_orders}
  a_revenue:             {type: "DECIMAL(18,2)", unit: currency, nullable: true, meaning: "Sales, charges and refunds of the customers of A, booked in A"}
  b_revenue:             {type: "DECIMAL(18,2)", unit: currency, nullable: true, meaning: "Sales, charges and refunds of the customers of B, booked in B"}
  revenue_change:        {type: "DECIMAL(18,2)", unit: currency, nullable: true, meaning: b_revenue − a_revenue}
  customers_effect:      {type: "DECIMAL(18,2)", unit: currency, nullable: true, meaning: "Part of revenue_change due to the number of customers (Shapley): ΔC · [(f0·v0 + f1·v1)/3 + (f0·v1 + f1·v0)/6], C customers, f orders per customer, v order value; all of it where a period has no orders"}
  frequency_effect:      {type: "DECIMAL(18,2)", unit: currency, nullable: true, meaning: "Part due to orders per customer: Δf · [(C0·v0 + C1·v1)/3 + (C0·v1 + C1·v0)/6]"}
  order_value_effect:    {type: "DECIMAL(18,2)", unit: currency, nullable: true, meaning: "Part due to order value: what the other two leave, so that the three add up to revenue_change to the cent"}
  a_guest_revenue:       {type: "DECIMAL(18,2)", unit: currency, nullable: true, meaning: Revenue of lines without a customer in A}
  b_guest_revenue:       {type: "DECIMAL(18,2)", unit: currency, nullable: true, meaning: Revenue of lines without a customer in B}
  a_other_revenue:       {type: "DECIMAL(18,2)", unit: currency, nullable: true, meaning: "Revenue booked in A for customers without an occasion in it: refunds of earlier orders, cancelled orders, charges"}
  b_other_revenue:       {type: "DECIMAL(18,2)", unit: currency, nullable: true, meaning: Revenue booked in B for customers without an occasion in it}
  a_total_revenue:       {type: "DECIMAL(18,2)", unit: currency, nullable: true, meaning: "Revenue of all lines booked in A: customers, guests and other"}
  b_total_revenue:       {type: "DECIMAL(18,2)", unit: currency, nullable: true, meaning: Revenue of all lines booked in B}
tests:
  both_pairs: |
    SELECT count(*) AS pairs FROM marts.period_comparison WHERE snapshot_date = $snapshot_date HAVING count(*) <> 2
  revenue_is_that_of_the_lines: |
    WITH booked AS (
      SELECT
        compared.pair,
        coalesce(sum(lines.amount) FILTER (WHERE lines.ordered_on BETWEEN compared.a_from AND compared.a_to), 0) AS a_amount,
        coalesce(sum(lines.amount) FILTER (WHERE lines.ordered_on BETWEEN compared.b_from AND compared.b_to), 0) AS b_amount
      FROM staging.order_lines AS lines
      CROSS JOIN marts.period_comparison AS compared
      WHERE compared.snapshot_date = $snapshot_date AND compared.status <> 'insufficient_data'
      GROUP BY compared.pair
    )
    SELECT compared.pair, compared.a_total_revenue, booked.a_amount, compared.b_total_revenue, booked.b_amount
    FROM marts.period_comparison AS compared
    JOIN booked ON booked.pair = compared.pair
    WHERE compared.snapshot_date = $snapshot_date
      AND (compared.a_total_revenue <> booked.a_amount OR compared.b_total_revenue <> booked.b_amount)
  effects_add_up: |
    SELECT pair, revenue_change, customers_effect, frequency_effect, order_value_effect
    FROM marts.period_comparison
    WHERE snapshot_date = $snapshot_date AND customers_effect + frequency_effect + order_value_effect <> revenue_change
  revenue_adds_up: |
    SELECT pair FROM marts.period_comparison
    WHERE snapshot_date = $snapshot_date
      AND (
        a_revenue + a_guest_revenue + a_other_revenue <> a_total_revenue
        OR b_revenue + b_guest_revenue + b_other_revenue <> b_total_revenue
      )
  figures_or_insufficient_data: |
    SELECT pair, status FROM marts.period_comparison
    WHERE snapshot_date = $snapshot_date AND (status = 'insufficient_data') <> (revenue_change IS NULL)
*/
WITH history AS (
  SELECT min(ordered_on) AS first_day, (date_diff('day', min(ordered_on), $snapshot_date) + 1)::INTEGER AS days
  FROM staging.order_lines
  WHERE ordered_on <= $snapshot_date
),
halves AS (
  SELECT
    $snapshot_date - 2 * (days // 2) + 1 AS a_from,
    $snapshot_date - days // 2 AS a_to,
    $snapshot_date - days // 2 + 1 AS b_from,
    $snapshot_date AS b_to
  FROM history
  WHERE days >= 2
),
asked AS (
  SELECT
    CASE WHEN settings.compare_a_from IS NULL THEN 'history' ELSE 'settings' END AS set_by,
    coalesce(settings.compare_a_from, halves.a_from) AS a_from,
    coalesce(settings.compare_a_to, halves.a_to) AS a_to,
    coalesce(settings.compare_b_from, halves.b_from) AS b_from,
    coalesce(settings.compare_b_to, halves.b_to) AS b_to
  FROM params.settings AS settings
  LEFT JOIN halves ON settings.compare_a_from IS NULL
),
dated AS (
  SELECT 'asked' AS pair, set_by, a_from, a_to, b_from, b_to
  FROM asked
  UNION ALL
  SELECT
    'year_earlier' AS pair,
    set_by,
    (a_from - INTERVAL 1 YEAR)::DATE AS a_from,
    (a_to - INTERVAL 1 YEAR)::DATE AS a_to,
    (b_from - INTERVAL 1 YEAR)::DATE AS b_from,
    (b_to - INTERVAL 1 YEAR)::DATE AS b_to
  FROM asked
),
pairs AS (
  SELECT
    dated.pair,
    dated.set_by,
    CASE
      WHEN dated.a_from >= history.first_day AND dated.b_to <= $snapshot_date THEN 'compared'
      WHEN dated.pair = 'asked' AND dated.a_to >= history.first_day AND dated.b_to <= $snapshot_date THEN 'partly_covered'
      ELSE 'insufficient_data'
    END AS status,
    dated.a_from,
    dated.a_to,
    dated.b_from,
    dated.b_to
  FROM dated
  CROSS JOIN history
),
sides AS (
  SELECT pair, 'a' AS side, a_from AS first_day, a_to AS last_day FROM pairs WHERE status <> 'insufficient_data'
  UNION ALL
  SELECT pair, 'b' AS side, b_from AS first_day, b_to AS last_day FROM pairs WHERE status <> 'insufficient_data'
),
side_days AS (
  SELECT sides.pair, sides.side, days.day
  FROM params.days AS days
  JOIN sides ON days.day BETWEEN sides.first_day AND sides.last_day
),
buying AS (
  SELECT side_days.pair, side_days.side, occasions.customer_id, sum(occasions.orders) AS orders
  FROM features.standing_occasions AS occasions
  JOIN side_days ON side_days.day = occasions.occasion_on
  GROUP BY side_days.pair, side_days.side, occasions.customer_id
),
kept AS (
  SELECT earlier.pair, count(*) AS customers
  FROM buying AS earlier
  JOIN buying AS later ON later.pair = earlier.pair AND later.customer_id = earlier.customer_id
  WHERE earlier.side = 'a' AND later.side = 'b'
  GROUP BY earlier.pair
),
spending AS (
  SELECT side_days.pair, side_days.side, lines.customer_id, sum(lines.amount) AS revenue
  FROM staging.order_lines AS lines
  JOIN side_days ON side_days.day = lines.ordered_on
  GROUP BY side_days.pair, side_days.side, lines.customer_id
),
totals AS (
  SELECT
    spending.pair,
    spending.side,
    count(buying.customer_id) AS customers,
    sum(buying.orders) AS orders,
    sum(spending.revenue) FILTER (WHERE buying.customer_id IS NOT NULL) AS revenue,
    sum(spending.revenue) FILTER (WHERE spending.customer_id IS NULL) AS guest_revenue,
    sum(spending.revenue) FILTER (WHERE spending.customer_id IS NOT NULL AND buying.customer_id IS NULL) AS other_revenue
  FROM spending
  LEFT JOIN buying
    ON buying.pair = spending.pair AND buying.side = spending.side AND buying.customer_id = spending.customer_id
  GROUP BY spending.pair, spending.side
),
figures AS (
  SELECT
    pairs.pair,
    coalesce(a.customers, 0) AS a_customers,
    coalesce(b.customers, 0) AS b_customers,
    coalesce(kept.customers, 0) AS kept_customers,
    coalesce(a.orders, 0)::BIGINT AS a_orders,
    coalesce(b.orders, 0)::BIGINT AS b_orders,
    coalesce(a.revenue, 0) AS a_revenue,
    coalesce(b.revenue, 0) AS b_revenue,
    coalesce(a.guest_revenue, 0) AS a_guest_revenue,
    coalesce(b.guest_revenue, 0) AS b_guest_revenue,
    coalesce(a.other_revenue, 0) AS a_other_revenue,
    coalesce(b.other_revenue, 0) AS b_other_revenue
  FROM pairs
  LEFT JOIN totals AS a ON a.pair = pairs.pair AND a.side = 'a'
  LEFT JOIN totals AS b ON b.pair = pairs.pair AND b.side = 'b'
  LEFT JOIN kept ON kept.pair = pairs.pair
  WHERE pairs.status <> 'insufficient_data'
),
factors AS (
  SELECT
    pair,
    a_customers::DOUBLE AS c0,
    b_customers::DOUBLE AS c1,
    a_orders::DOUBLE / nullif(a_customers, 0) AS f0,
    b_orders::DOUBLE / nullif(b_customers, 0) AS f1,
    a_revenue::DOUBLE / nullif(a_orders, 0) AS v0,
    b_revenue::DOUBLE / nullif(b_orders, 0) AS v1
  FROM figures
),
parts AS (
  -- Null where a period has no orders. Rounded in whole cents.
  SELECT
    pair,
    round(100 * (c1 - c0) * ((f0 * v0 + f1 * v1) / 3 + (f0 * v1 + f1 * v0) / 6))::BIGINT * 0.01 AS customers_effect,
    round(100 * (f1 - f0) * ((c0 * v0 + c1 * v1) / 3 + (c0 * v1 + c1 * v0) / 6))::BIGINT * 0.01 AS frequency_effect
  FROM factors
),
split AS (
  SELECT
    figures.pair,
    figures.b_revenue - figures.a_revenue AS revenue_change,
    coalesce(parts.customers_effect, figures.b_revenue - figures.a_revenue) AS customers_effect,
    coalesce(parts.frequency_effect, 0) AS frequency_effect
  FROM figures
  JOIN parts ON parts.pair = figures.pair
)
SELECT
  $snapshot_date AS snapshot_date,
  pairs.pair,
  pairs.set_by,
  pairs.status,
  pairs.a_from,
  pairs.a_to,
  pairs.b_from,
  pairs.b_to,
  date_diff('day', pairs.a_from, pairs.a_to) + 1 AS a_days,
  date_diff('day', pairs.b_from, pairs.b_to) + 1 AS b_days,
  figures.a_customers,
  figures.b_customers,
  figures.kept_customers,
  figures.a_customers - figures.kept_customers AS lost_customers,
  figures.b_customers - figures.kept_customers AS new_customers,
  figures.a_orders,
  figures.b_orders,
  factors.f0 AS a_orders_per_customer,
  factors.f1 AS b_orders_per_customer,
  factors.v0 AS a_order_value,
  factors.v1 AS b_order_value,
  figures.a_revenue,
  figures.b_revenue,
  split.revenue_change,
  split.customers_effect,
  split.frequency_effect,
  split.revenue_change - split.customers_effect - split.frequency_effect AS order_value_effect,
  figures.a_guest_revenue,
  figures.b_guest_revenue,
  figures.a_other_revenue,
  figures.b_other_revenue,
  figures.a_revenue + figures.a_guest_revenue + figures.a_other_revenue AS a_total_revenue,
  figures.b_revenue + figures.b_guest_revenue + figures.b_other_revenue AS b_total_revenue
FROM pairs
LEFT JOIN figures ON figures.pair = pairs.pair
LEFT JOIN factors ON factors.pair = pairs.pair
LEFT JOIN split ON split.pair = pairs.pair
