/*
description: "Revenue, orders, buyers and margin by day, week and month from the first booked line to the snapshot date, empty periods included; the change to the period before, split; the rank of every peak."
grain: [snapshot_date, period_kind, starts_on]
owner: team:finance
columns:
  snapshot_date:      {type: DATE, meaning: The day whose end the row describes}
  period_kind:        {type: VARCHAR, values: [day, week, month], meaning: Length of the period; weeks begin on Monday}
  starts_on:          {type: DATE, meaning: First day of the period}
  ends_on:            {type: DATE, meaning: "Last day of the period; after the snapshot date for one that is not over"}
  is_complete:        {type: BOOLEAN, meaning: "Whether the history covers every day of the period: it does not begin before the first booked line, and is over"}
  revenue:            {type: "DECIMAL(18,2)", unit: currency, meaning: "Sales, charges and refunds booked in the period, guests included"}
  orders:             {type: BIGINT, unit: orders, min: 0, meaning: "Orders of the period that stand as of the snapshot date, guests included"}
  order_revenue:      {type: "DECIMAL(18,2)", unit: currency, meaning: "Sales and charges of these orders, before refunds"}
  mean_order_value:   {type: DOUBLE, unit: currency, nullable: true, meaning: "order_revenue / orders; null without an order"}
  buyers:             {type: BIGINT, unit: customers, min: 0, meaning: Customers with a purchase occasion in the period; guests are not counted}
  items:              {type: "DECIMAL(18,3)", unit: pieces, meaning: "Pieces sold in the period in orders that are not void as of the snapshot date, before refunds"}
  costed_share:       {type: DOUBLE, unit: share of lines, nullable: true, min: 0, max: 1, meaning: "Share of the sale lines of the period whose cost is known, void orders left out; null without a sale line"}
  cost:               {type: "DECIMAL(18,2)", unit: currency, nullable: true, meaning: "Pieces × unit cost of the lines of the period, pieces that came back taken off; what an order that has become void still cost is taken off on the day it did; null unless the cost of every sale line is known"}
  margin:             {type: "DECIMAL(18,2)", unit: currency, nullable: true, meaning: "revenue − cost; null where the cost is"}
  order_number_effect: {type: "DECIMAL(18,2)", unit: currency, nullable: true, meaning: "Change of revenue to the period before due to the number of orders: ΔN · mean(v), with N = orders, v = order_revenue / N (Bennet); all of the change where one of the two has no orders; null unless both are complete"}
  order_value_effect: {type: "DECIMAL(18,2)", unit: currency, nullable: true, meaning: "The same due to the value of an order: Δv · mean(N), as what order_number_effect leaves of the change of order_revenue"}
  other_effect:       {type: "DECIMAL(18,2)", unit: currency, nullable: true, meaning: "The rest of the change of revenue: refunds, cancelled orders, charges without an order, parts of orders booked in another period. The three effects add up to the change"}
  peak_rank:          {type: BIGINT, unit: rank, min: 1, meaning: "1 = the period of its kind with the highest order_revenue, so that orders that fell later make no peak; equal order_revenue, equal rank; periods that are not complete take part"}
  margin_rank:        {type: BIGINT, unit: rank, nullable: true, min: 1, meaning: "1 = the moment of highest profit: the period of its kind with the highest margin of what is not void as of the snapshot date; null where the margin is"}
tests:
  revenue_is_that_of_the_lines: |
    WITH kinds AS (
      SELECT period_kind FROM (VALUES ('day'), ('week'), ('month')) AS listed (period_kind)
    ),
    booked AS (
      SELECT coalesce(sum(amount), 0) AS revenue FROM staging.order_lines WHERE ordered_on <= $snapshot_date
    ),
    counted AS (
      SELECT period_kind, sum(revenue) AS revenue
      FROM marts.revenue_calendar
      WHERE snapshot_date = $snapshot_date
      GROUP BY period_kind
    )
    SELECT kinds.period_kind, counted.revenue, booked.revenue AS revenue_of_lines
    FROM kinds
    CROSS JOIN booked
    LEFT JOIN counted ON counted.period_kind = kinds.period_kind
    WHERE coalesce(counted.revenue, 0) <> booked.revenue
  orders_are_those_that_stand: |
    WITH standing AS (
      SELECT coalesce(sum(orders), 0) AS orders, coalesce(sum(amount), 0) AS amount
      FROM staging.orders WHERE known_on <= $snapshot_date
    ),
    counted AS (
      SELECT period_kind, sum(orders) AS orders, sum(order_revenue) AS order_revenue
      FROM marts.revenue_calendar
      WHERE snapshot_date = $snapshot_date
      GROUP BY period_kind
    )
    SELECT counted.period_kind, counted.orders, standing.orders AS standing_orders
    FROM counted
    CROSS JOIN standing
    WHERE counted.orders <> standing.orders OR counted.order_revenue <> standing.amount
  periods_follow_each_other: |
    WITH sequenced AS (
      SELECT
        period_kind,
        starts_on,
        lag(ends_on) OVER (PARTITION BY period_kind ORDER BY starts_on) AS previous_ends_on
      FROM marts.revenue_calendar
      WHERE snapshot_date = $snapshot_date
    )
    SELECT period_kind, starts_on, previous_ends_on FROM sequenced WHERE previous_ends_on + 1 <> starts_on
  effects_add_up: |
    WITH changes AS (
      SELECT
        period_kind,
        starts_on,
        revenue - lag(revenue) OVER (PARTITION BY period_kind ORDER BY starts_on) AS change,
        order_number_effect + order_value_effect + other_effect AS effects
      FROM marts.revenue_calendar
      WHERE snapshot_date = $snapshot_date
    )
    SELECT period_kind, starts_on, change, effects FROM changes WHERE change <> effects
*/
WITH lines AS (
  SELECT
    booked.ordered_on,
    booked.kind,
    booked.quantity,
    booked.amount,
    booked.quantity * booked.unit_cost AS cost,
    CASE WHEN booked.kind = 'sale' AND void.order_id IS NULL THEN 1 ELSE 0 END AS is_sold,
    void.void_on
  FROM staging.order_lines AS booked
  LEFT JOIN features.void_orders AS void ON void.order_id = booked.order_id
  WHERE booked.ordered_on <= $snapshot_date
),
booked AS (
  SELECT
    ordered_on AS day,
    sum(amount) AS revenue,
    sum(quantity * is_sold) AS items,
    sum(is_sold) AS sale_lines,
    count(*) FILTER (WHERE is_sold = 1 AND cost IS NOT NULL) AS costed_lines,
    coalesce(sum(cost), 0)::DECIMAL(18,2) AS cost,
    coalesce(sum(amount) FILTER (WHERE void_on IS NOT NULL), 0) AS void_revenue,
    coalesce(sum(cost) FILTER (WHERE void_on IS NOT NULL), 0)::DECIMAL(18,2) AS void_cost
  FROM lines
  GROUP BY ordered_on
),
-- A refund of money alone names no pieces: the goods of an order that fell went back, or never left.
spared AS (
  SELECT void_on AS day, sum(cost)::DECIMAL(18,2) AS cost
  FROM lines
  WHERE void_on IS NOT NULL
  GROUP BY void_on
),
history AS (
  SELECT min(day) AS first_day, sum(costed_lines) AS costed_lines
  FROM booked
),
ordered AS (
  SELECT ordered_on AS day, sum(orders) AS orders, sum(amount) AS order_revenue
  FROM staging.orders
  WHERE known_on <= $snapshot_date
  GROUP BY ordered_on
),
days AS (
  SELECT
    days.day,
    coalesce(booked.revenue, 0) AS revenue,
    coalesce(ordered.orders, 0) AS orders,
    coalesce(ordered.order_revenue, 0) AS order_revenue,
    coalesce(booked.items, 0) AS items,
    coalesce(booked.sale_lines, 0) AS sale_lines,
    coalesce(booked.costed_lines, 0) AS costed_lines,
    coalesce(booked.cost, 0) - coalesce(spared.cost, 0) AS cost,
    coalesce(booked.void_revenue, 0) - coalesce(booked.void_cost, 0) + coalesce(spared.cost, 0) AS void_margin
  FROM params.days AS days
  CROSS JOIN history
  LEFT JOIN booked ON booked.day = days.day
  LEFT JOIN spared ON spared.day = days.day
  LEFT JOIN ordered ON ordered.day = days.day
  WHERE days.day BETWEEN history.first_day AND $snapshot_date
),
dated AS (
  SELECT 'day' AS period_kind, day AS starts_on, day AS ends_on, day
  FROM days
  UNION ALL
  SELECT 'week' AS period_kind, date_trunc('week', day)::DATE AS starts_on, date_trunc('week', day)::DATE + 6 AS ends_on, day
  FROM days
  UNION ALL
  SELECT
    'month' AS period_kind,
    date_trunc('month', day)::DATE AS starts_on,
    (date_trunc('month', day)::DATE + INTERVAL 1 MONTH)::DATE - 1 AS ends_on,
    day
  FROM days
),
buyers AS (
  SELECT 'day' AS period_kind, occasion_on AS starts_on, count(*) AS buyers
  FROM features.standing_occasions
  GROUP BY occasion_on
  UNION ALL
  SELECT 'week' AS period_kind, date_trunc('week', occasion_on)::DATE AS starts_on, count(DISTINCT customer_id) AS buyers
  FROM features.standing_occasions
  GROUP BY date_trunc('week', occasion_on)::DATE
  UNION ALL
  SELECT 'month' AS period_kind, date_trunc('month', occasion_on)::DATE AS starts_on, count(DISTINCT customer_id) AS buyers
  FROM features.standing_occasions
  GROUP BY date_trunc('month', occasion_on)::DATE
),
periods AS (
  SELECT
    dated.period_kind,
    dated.starts_on,
    dated.ends_on,
    sum(days.revenue) AS revenue,
    sum(days.orders) AS orders,
    sum(days.order_revenue) AS order_revenue,
    sum(days.items) AS items,
    sum(days.sale_lines) AS sale_lines,
    sum(days.costed_lines) AS costed_lines,
    sum(days.cost) AS cost,
    sum(days.void_margin) AS void_margin
  FROM dated
  JOIN days ON days.day = dated.day
  GROUP BY dated.period_kind, dated.starts_on, dated.ends_on
),
costed AS (
  SELECT
    periods.period_kind,
    periods.starts_on,
    periods.ends_on,
    periods.starts_on >= history.first_day AND periods.ends_on <= $snapshot_date AS is_complete,
    periods.revenue,
    periods.orders,
    periods.order_revenue,
    coalesce(buyers.buyers, 0) AS buyers,
    periods.items,
    periods.costed_lines::DOUBLE / nullif(periods.sale_lines, 0) AS costed_share,
    CASE WHEN history.costed_lines > 0 AND periods.costed_lines = periods.sale_lines THEN periods.cost END AS cost,
    periods.void_margin
  FROM periods
  CROSS JOIN history
  LEFT JOIN buyers ON buyers.period_kind = periods.period_kind AND buyers.starts_on = periods.starts_on
),
compared AS (
  SELECT
    period_kind,
    starts_on,
    ends_on,
    is_complete,
    revenue,
    orders,
    order_revenue,
    buyers,
    items,
    costed_share,
    cost,
    void_margin,
    is_complete AND lag(is_complete) OVER (PARTITION BY period_kind ORDER BY starts_on) AS is_comparable,
    lag(revenue) OVER (PARTITION BY period_kind ORDER BY starts_on) AS previous_revenue,
    lag(orders) OVER (PARTITION BY period_kind ORDER BY starts_on) AS previous_orders,
    lag(order_revenue) OVER (PARTITION BY period_kind ORDER BY starts_on) AS previous_order_revenue
  FROM costed
),
split AS (
  SELECT
    period_kind,
    starts_on,
    CASE
      WHEN orders = 0 OR previous_orders = 0 THEN order_revenue - previous_order_revenue
      -- in whole cents: the mean of both order values times the change in orders, halved by the factor 50
      ELSE round(
        50 * (orders - previous_orders)
        * (order_revenue::DOUBLE / nullif(orders, 0) + previous_order_revenue::DOUBLE / nullif(previous_orders, 0))
      )::BIGINT * 0.01
    END AS order_number_effect
  FROM compared
  WHERE is_comparable
)
SELECT
  $snapshot_date AS snapshot_date,
  compared.period_kind,
  compared.starts_on,
  compared.ends_on,
  compared.is_complete,
  compared.revenue,
  compared.orders,
  compared.order_revenue,
  compared.order_revenue::DOUBLE / nullif(compared.orders, 0) AS mean_order_value,
  compared.buyers,
  compared.items,
  compared.costed_share,
  compared.cost,
  compared.revenue - compared.cost AS margin,
  split.order_number_effect,
  compared.order_revenue - compared.previous_order_revenue - split.order_number_effect AS order_value_effect,
  CASE WHEN compared.is_comparable THEN
    compared.revenue - compared.previous_revenue - (compared.order_revenue - compared.previous_order_revenue)
  END AS other_effect,
  rank() OVER (PARTITION BY compared.period_kind ORDER BY compared.order_revenue DESC) AS peak_rank,
  CASE WHEN compared.cost IS NOT NULL THEN
    rank() OVER (
      PARTITION BY compared.period_kind ORDER BY compared.revenue - compared.cost - compared.void_margin DESC NULLS LAST
    )
  END AS margin_rank
FROM compared
LEFT JOIN split ON split.period_kind = compared.period_kind AND split.starts_on = compared.starts_on
