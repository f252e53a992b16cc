/*
description: "The asked comparison of two periods by group: how many customers each group of the catalogue that the settings choose holds in A and in B, what became of those it held in A, and, as groups of their own, the lost of A and those of B who did not buy in A. Empty without a comparison."
grain: [snapshot_date, segment]
owner: team:crm
columns:
  snapshot_date:    {type: DATE, meaning: The day whose end the row describes}
  segment:          {type: VARCHAR, meaning: "Group of the chosen catalogue; lost = bought in A and not in B; not_in_a = bought in B and not in A"}
  segment_rank:     {type: INTEGER, min: 1, max: 12, meaning: "Order of the group, 1 is best; 11 = lost, 12 = did not buy in A"}
  label:            {type: VARCHAR, meaning: Name to show}
  a_customers:      {type: BIGINT, unit: customers, min: 0, meaning: Customers in the group in period A}
  b_customers:      {type: BIGINT, unit: customers, min: 0, meaning: Customers in the group in period B}
  customers_change: {type: BIGINT, unit: customers, meaning: b_customers − a_customers}
  a_orders:         {type: BIGINT, unit: orders, min: 0, meaning: Orders in A of those in the group in A}
  b_orders:         {type: BIGINT, unit: orders, min: 0, meaning: Orders in B of those in the group in B}
  a_revenue:        {type: "DECIMAL(18,2)", unit: currency, meaning: Revenue booked in A for those in the group in A}
  b_revenue:        {type: "DECIMAL(18,2)", unit: currency, meaning: Revenue booked in B for those in the group in B}
  revenue_change:   {type: "DECIMAL(18,2)", unit: currency, meaning: b_revenue − a_revenue}
  became_better:    {type: BIGINT, unit: customers, min: 0, meaning: Those in the group in A who are in a better one in B}
  stayed:           {type: BIGINT, unit: customers, min: 0, meaning: Those in the group in A who are in it in B}
  became_worse:     {type: BIGINT, unit: customers, min: 0, meaning: Those in the group in A who are in a worse one in B}
  became_lost:      {type: BIGINT, unit: customers, min: 0, meaning: Those in the group in A who did not buy in B}
  arrived:          {type: BIGINT, unit: customers, min: 0, meaning: Those in the group in B who did not buy in A}
  lost_revenue:     {type: "DECIMAL(18,2)", unit: currency, meaning: Revenue booked in A for those in the group in A who did not buy in B}
tests:
  both_sides_hold_everyone: |
    WITH everyone AS (
      SELECT count(*) AS customers FROM marts.period_comparison_customers WHERE snapshot_date = $snapshot_date
    ),
    counted AS (
      SELECT
        coalesce(sum(a_customers), 0) AS a_customers,
        coalesce(sum(b_customers), 0) AS b_customers,
        coalesce(sum(arrived), 0) AS arrived,
        coalesce(sum(b_customers) FILTER (WHERE segment = 'lost'), 0) AS lost,
        coalesce(sum(became_lost), 0) AS became_lost,
        coalesce(sum(a_customers) FILTER (WHERE segment = 'not_in_a'), 0) AS not_in_a
      FROM marts.period_comparison_segments
      WHERE snapshot_date = $snapshot_date
    )
    SELECT everyone.customers, counted.a_customers, counted.b_customers
    FROM everyone
    CROSS JOIN counted
    WHERE counted.a_customers <> everyone.customers
      OR counted.b_customers <> everyone.customers
      OR counted.arrived <> counted.not_in_a
      OR counted.lost <> counted.became_lost
  everyone_of_a_became_something: |
    SELECT segment FROM marts.period_comparison_segments
    WHERE snapshot_date = $snapshot_date
      AND segment <> 'not_in_a'
      AND became_better + stayed + became_worse + became_lost <> a_customers
*/
WITH customers AS (
  SELECT
    coalesce(a_segment, 'not_in_a') AS a_segment,
    b_segment,
    evolution,
    a_orders,
    b_orders,
    a_revenue,
    b_revenue
  FROM marts.period_comparison_customers
  WHERE snapshot_date = $snapshot_date
),
listed AS (
  SELECT DISTINCT catalogue.segment, catalogue.segment_rank, catalogue.label
  FROM marts.segment_catalogue AS catalogue
  JOIN params.settings AS settings ON settings.catalogue = catalogue.catalogue
  WHERE catalogue.snapshot_date = $snapshot_date
  UNION ALL
  SELECT segment, segment_rank, label
  FROM (VALUES ('lost', 11, 'Lost'), ('not_in_a', 12, 'Did not buy in A')) AS outside (segment, segment_rank, label)
),
departed AS (
  SELECT
    a_segment AS segment,
    count(*) AS customers,
    sum(a_orders) AS orders,
    sum(a_revenue) AS revenue,
    count(*) FILTER (WHERE evolution = 'better') AS became_better,
    count(*) FILTER (WHERE evolution = 'same') AS stayed,
    count(*) FILTER (WHERE evolution = 'worse') AS became_worse,
    count(*) FILTER (WHERE evolution = 'lost') AS became_lost,
    sum(a_revenue) FILTER (WHERE evolution = 'lost') AS lost_revenue
  FROM customers
  GROUP BY a_segment
),
reached AS (
  SELECT
    b_segment AS segment,
    count(*) AS customers,
    sum(b_orders) AS orders,
    sum(b_revenue) AS revenue,
    count(*) FILTER (WHERE evolution = 'new') AS arrived
  FROM customers
  GROUP BY b_segment
),
compared AS (
  SELECT pair
  FROM marts.period_comparison
  WHERE snapshot_date = $snapshot_date AND pair = 'asked' AND status <> 'insufficient_data'
)
SELECT
  $snapshot_date AS snapshot_date,
  listed.segment,
  listed.segment_rank,
  listed.label,
  coalesce(departed.customers, 0) AS a_customers,
  coalesce(reached.customers, 0) AS b_customers,
  coalesce(reached.customers, 0) - coalesce(departed.customers, 0) AS customers_change,
  coalesce(departed.orders, 0) AS a_orders,
  coalesce(reached.orders, 0) AS b_orders,
  coalesce(departed.revenue, 0) AS a_revenue,
  coalesce(reached.revenue, 0) AS b_revenue,
  coalesce(reached.revenue, 0) - coalesce(departed.revenue, 0) AS revenue_change,
  coalesce(departed.became_better, 0) AS became_better,
  coalesce(departed.stayed, 0) AS stayed,
  coalesce(departed.became_worse, 0) AS became_worse,
  coalesce(departed.became_lost, 0) AS became_lost,
  coalesce(reached.arrived, 0) AS arrived,
  coalesce(departed.lost_revenue, 0) AS lost_revenue
FROM listed
CROSS JOIN compared
LEFT JOIN departed ON departed.segment = listed.segment
LEFT JOIN reached ON reached.segment = listed.segment
