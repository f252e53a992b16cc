/*
description: "Every customer of the two periods of the asked comparison: group in each, what became of them, what they brought. Each period is scored by itself, with its last day for the snapshot date, as in period_segments. Empty without a comparison."
grain: [snapshot_date, customer_id]
owner: team:crm
columns:
  snapshot_date:  {type: DATE, meaning: "The day whose end the row describes: what was cancelled by then does not count"}
  customer_id:    {type: VARCHAR, meaning: Customer of the shop with an occasion in period A or in period B}
  a_segment:      {type: VARCHAR, nullable: true, meaning: "Group in period A, of the catalogue that the settings choose; null for who did not buy in A"}
  b_segment:      {type: VARCHAR, meaning: "Group in period B; lost = bought in A and not in B"}
  a_segment_rank: {type: INTEGER, nullable: true, min: 1, max: 10, meaning: "Order of the group in the catalogue, 1 is best"}
  b_segment_rank: {type: INTEGER, min: 1, max: 11, meaning: "The same in period B; 11 = lost, the last"}
  evolution:      {type: VARCHAR, values: [better, same, worse, lost, new], meaning: "From A to B by the catalogue's order; lost = did not buy in B; new = did not buy in A, which need not be a new customer: arrival"}
  arrival:        {type: VARCHAR, nullable: true, values: [first purchase in B, first purchase between A and B, back after a pause], meaning: "Of those who did not buy in A: when they bought for the first time; back after a pause = before A. Null for everybody else"}
  bought_since:   {type: BOOLEAN, meaning: Whether the customer has bought after period B and by the snapshot date}
  a_occasions:    {type: BIGINT, unit: days, min: 0, meaning: Days of period A with an order that stands}
  b_occasions:    {type: BIGINT, unit: days, min: 0, meaning: Days of period B with an order that stands}
  a_orders:       {type: BIGINT, unit: orders, min: 0, meaning: Orders of period A that stand}
  b_orders:       {type: BIGINT, unit: orders, min: 0, meaning: Orders of period B that stand}
  orders_change:  {type: BIGINT, unit: orders, meaning: b_orders − a_orders}
  a_revenue:      {type: "DECIMAL(18,2)", unit: currency, meaning: "Sales, charges and refunds booked in period A, also without an occasion in it"}
  b_revenue:      {type: "DECIMAL(18,2)", unit: currency, meaning: "Sales, charges and refunds booked in period B, also without an occasion in it: a lost customer may have refunds"}
  revenue_change: {type: "DECIMAL(18,2)", unit: currency, meaning: b_revenue − a_revenue}
tests:
  arrivals_are_those_not_in_a: |
    SELECT customer_id, evolution, arrival FROM marts.period_comparison_customers
    WHERE snapshot_date = $snapshot_date AND (evolution = 'new') <> (arrival IS NOT NULL)
  adds_up_to_the_comparison: |
    WITH counted AS (
      SELECT
        count(*) FILTER (WHERE evolution <> 'new') AS a_customers,
        count(*) FILTER (WHERE evolution <> 'lost') AS b_customers,
        count(*) FILTER (WHERE evolution = 'lost') AS lost_customers,
        count(*) FILTER (WHERE evolution = 'new') AS new_customers,
        coalesce(sum(a_orders), 0) AS a_orders,
        coalesce(sum(b_orders), 0) AS b_orders,
        coalesce(sum(a_revenue) FILTER (WHERE evolution <> 'new'), 0) AS a_revenue,
        coalesce(sum(b_revenue) FILTER (WHERE evolution <> 'lost'), 0) AS b_revenue
      FROM marts.period_comparison_customers
      WHERE snapshot_date = $snapshot_date
    )
    SELECT counted.a_customers, counted.b_customers, counted.a_revenue, counted.b_revenue
    FROM counted
    CROSS JOIN marts.period_comparison AS compared
    WHERE compared.snapshot_date = $snapshot_date
      AND compared.pair = 'asked'
      AND (
        counted.a_customers <> coalesce(compared.a_customers, 0)
        OR counted.b_customers <> coalesce(compared.b_customers, 0)
        OR counted.lost_customers <> coalesce(compared.lost_customers, 0)
        OR counted.new_customers <> coalesce(compared.new_customers, 0)
        OR counted.a_orders <> coalesce(compared.a_orders, 0)
        OR counted.b_orders <> coalesce(compared.b_orders, 0)
        OR counted.a_revenue <> coalesce(compared.a_revenue, 0)
        OR counted.b_revenue <> coalesce(compared.b_revenue, 0)
      )
*/
WITH compared AS (
  SELECT a_from, a_to, b_from, b_to
  FROM marts.period_comparison
  WHERE snapshot_date = $snapshot_date AND pair = 'asked' AND status <> 'insufficient_data'
),
sides AS (
  SELECT 'a' AS side, a_from AS first_day, a_to AS last_day FROM compared
  UNION ALL
  SELECT 'b' AS side, b_from AS first_day, b_to AS last_day FROM compared
),
side_days AS (
  SELECT sides.side, days.day, date_diff('day', days.day, sides.last_day) AS recency_days
  FROM params.days AS days
  JOIN sides ON days.day BETWEEN sides.first_day AND sides.last_day
),
rhythm AS (
  SELECT
    side_days.side,
    occasions.customer_id,
    min(side_days.recency_days) AS recency_days,
    count(*) AS occasions,
    sum(occasions.orders) AS orders
  FROM features.standing_occasions AS occasions
  JOIN side_days ON side_days.day = occasions.occasion_on
  GROUP BY side_days.side, occasions.customer_id
),
everyone AS (
  SELECT side, count(*) AS customers
  FROM rhythm
  GROUP BY side
),
recency AS (
  SELECT
    side,
    recency_days,
    coalesce(sum(count(*)) OVER (PARTITION BY side ORDER BY recency_days DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)::BIGINT AS worse
  FROM rhythm
  GROUP BY side, recency_days
),
frequency AS (
  SELECT
    side,
    occasions,
    coalesce(sum(count(*)) OVER (PARTITION BY side ORDER BY occasions ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)::BIGINT AS worse
  FROM rhythm
  GROUP BY side, occasions
),
placed AS (
  SELECT rhythm.side, rhythm.customer_id, rhythm.occasions, rhythm.orders, catalogue.segment, catalogue.segment_rank
  FROM rhythm
  JOIN everyone ON everyone.side = rhythm.side
  JOIN recency ON recency.side = rhythm.side AND recency.recency_days = rhythm.recency_days
  JOIN frequency ON frequency.side = rhythm.side AND frequency.occasions = rhythm.occasions
  CROSS JOIN params.settings AS settings
  JOIN marts.segment_catalogue AS catalogue
    ON catalogue.snapshot_date = $snapshot_date
    AND catalogue.catalogue = settings.catalogue
    AND catalogue.r_score = 1 + 5 * recency.worse // nullif(everyone.customers, 0)
    AND catalogue.f_score = 1 + 5 * frequency.worse // nullif(everyone.customers, 0)
),
customers AS (
  SELECT
    customer_id,
    max(segment) FILTER (WHERE side = 'a') AS a_segment,
    max(segment) FILTER (WHERE side = 'b') AS b_segment,
    max(segment_rank) FILTER (WHERE side = 'a') AS a_segment_rank,
    max(segment_rank) FILTER (WHERE side = 'b') AS b_segment_rank,
    coalesce(max(occasions) FILTER (WHERE side = 'a'), 0) AS a_occasions,
    coalesce(max(occasions) FILTER (WHERE side = 'b'), 0) AS b_occasions,
    coalesce(max(orders) FILTER (WHERE side = 'a'), 0) AS a_orders,
    coalesce(max(orders) FILTER (WHERE side = 'b'), 0) AS b_orders
  FROM placed
  GROUP BY customer_id
),
spending AS (
  SELECT
    lines.customer_id,
    coalesce(sum(lines.amount) FILTER (WHERE lines.ordered_on BETWEEN compared.a_from AND compared.a_to), 0) AS a_revenue,
    coalesce(sum(lines.amount) FILTER (WHERE lines.ordered_on BETWEEN compared.b_from AND compared.b_to), 0) AS b_revenue
  FROM staging.order_lines AS lines
  CROSS JOIN compared
  WHERE lines.customer_id IS NOT NULL AND lines.ordered_on BETWEEN compared.a_from AND compared.b_to
  GROUP BY lines.customer_id
)
SELECT
  $snapshot_date AS snapshot_date,
  customers.customer_id,
  customers.a_segment,
  coalesce(customers.b_segment, 'lost') AS b_segment,
  customers.a_segment_rank,
  coalesce(customers.b_segment_rank, 11) AS b_segment_rank,
  CASE
    WHEN customers.a_segment IS NULL THEN 'new'
    WHEN customers.b_segment IS NULL THEN 'lost'
    WHEN customers.b_segment_rank < customers.a_segment_rank THEN 'better'
    WHEN customers.b_segment_rank > customers.a_segment_rank THEN 'worse'
    ELSE 'same'
  END AS evolution,
  CASE
    WHEN customers.a_segment IS NOT NULL THEN NULL
    WHEN summary.first_purchase_on >= compared.b_from THEN 'first purchase in B'
    WHEN summary.first_purchase_on > compared.a_to THEN 'first purchase between A and B'
    ELSE 'back after a pause'
  END AS arrival,
  summary.last_purchase_on > compared.b_to AS bought_since,
  customers.a_occasions,
  customers.b_occasions,
  customers.a_orders,
  customers.b_orders,
  customers.b_orders - customers.a_orders AS orders_change,
  spending.a_revenue,
  spending.b_revenue,
  spending.b_revenue - spending.a_revenue AS revenue_change
FROM customers
CROSS JOIN compared
JOIN spending ON spending.customer_id = customers.customer_id
JOIN marts.customer_summary AS summary
  ON summary.snapshot_date = $snapshot_date AND summary.customer_id = customers.customer_id
