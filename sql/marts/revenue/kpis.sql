/*
description: "Key figures of every month, quarter and year since the first booked line, beside the shop's own targets, the period before and the year before. Recomputed whole by what is known on the snapshot date."
grain: [snapshot_date, kpi, period]
owner: team:crm
columns:
  snapshot_date: {type: DATE, meaning: The day whose end the row describes}
  kpi:
    type: VARCHAR
    meaning: "revenue and orders of everybody; buyers: customers with an occasion in the period (guests are none); new: their first occasion falls in it; repeat: they have at least two occasions by its end, one-time: one; revenue of a buyer: what is booked in the period; refund_share: refunds over sales and charges, all of orders that are not void (credit notes under an id of their own are refunds), each booked on its own day; retention_90d: share of the new buyers with another occasion within 90 days of the first"
    values: [revenue, orders, buyers, new_buyers, repeat_buyers, repeat_share_of_buyers, one_time_share_of_buyers, repeat_share_of_revenue, one_time_share_of_revenue, mean_order_value, orders_per_buyer, revenue_per_buyer, refund_share, retention_90d]
  period:        {type: VARCHAR, meaning: "2026-11, 2026-Q4 or 2026"}
  period_kind:   {type: VARCHAR, values: [month, quarter, year], meaning: Length of the period}
  starts_on:     {type: DATE, meaning: First day of the period}
  ends_on:       {type: DATE, meaning: "Last day of the period; after the snapshot date for one that is open"}
  is_open:       {type: BOOLEAN, meaning: "Whether the period is not over: its values are those so far"}
  is_complete:   {type: BOOLEAN, meaning: "Whether the history covers every day of the period: it does not begin before the first booked line, and is over"}
  unit:          {type: VARCHAR, values: [currency, orders, customers, share], meaning: What the value is counted in}
  measure:       {type: VARCHAR, values: [total, ratio], meaning: "Totals grow until the period is over, ratios do not"}
  better:        {type: VARCHAR, values: [higher, lower], meaning: Which way is an improvement}
  value:         {type: DOUBLE, nullable: true, meaning: "The key figure; null where there is nothing to divide by, and retention_90d until all new buyers of the period had their 90 days"}
  rests_on:      {type: BIGINT, min: 0, meaning: "How many buyers, new buyers or orders the value rests on"}
  value_low:     {type: DOUBLE, nullable: true, min: 0, max: 1, meaning: "Lower end of the 95 % interval (Wilson) of a share of buyers; null for all else"}
  value_high:    {type: DOUBLE, nullable: true, min: 0, max: 1, meaning: Upper end of it}
  target:        {type: DOUBLE, nullable: true, meaning: "What the shop wants the value to be; null if no export `targets` says so"}
  status:        {type: VARCHAR, values: [met, missed, on_track, behind, unknown, no_target], meaning: "met or missed once the period is complete. While it is open, on_track or behind: a total against the target's share of the days that have passed, a ratio against the target. unknown: no value, or the period begins before the history"}
  previous_value: {type: DOUBLE, nullable: true, meaning: "Value of the period before; null unless both are complete"}
  change_to_previous: {type: DOUBLE, nullable: true, meaning: value − previous_value}
  trend:         {type: VARCHAR, nullable: true, values: [better, same, worse], meaning: "Which way that is; chance alone makes small changes"}
  year_earlier_value: {type: DOUBLE, nullable: true, meaning: "Value of the same period a year earlier; null unless both are complete"}
  change_to_year_earlier: {type: DOUBLE, nullable: true, meaning: value − year_earlier_value}
  trend_to_year_earlier: {type: VARCHAR, nullable: true, values: [better, same, worse], meaning: Which way that is}
tests:
  every_figure_of_every_period: |
    SELECT period, count(*) AS figures FROM marts.kpis
    WHERE snapshot_date = $snapshot_date
    GROUP BY period
    HAVING count(*) <> 14
  revenue_is_that_of_the_lines: |
    WITH counted AS (
      SELECT period_kind, sum(value) AS revenue
      FROM marts.kpis
      WHERE snapshot_date = $snapshot_date AND kpi = 'revenue'
      GROUP BY period_kind
    ),
    booked AS (
      SELECT sum(amount)::DOUBLE AS revenue FROM staging.order_lines WHERE ordered_on <= $snapshot_date
    )
    SELECT counted.period_kind, counted.revenue, booked.revenue AS revenue_of_lines
    FROM counted
    CROSS JOIN booked
    WHERE abs(counted.revenue - booked.revenue) > 0.00000001 * abs(booked.revenue) + 0.001
  orders_and_new_buyers_are_those_that_stand: |
    WITH counted AS (
      SELECT
        period_kind,
        sum(value) FILTER (WHERE kpi = 'orders') AS orders,
        sum(value) FILTER (WHERE kpi = 'new_buyers') AS new_buyers
      FROM marts.kpis
      WHERE snapshot_date = $snapshot_date
      GROUP BY period_kind
    ),
    standing AS (
      SELECT coalesce(sum(orders), 0) AS orders FROM staging.orders WHERE known_on <= $snapshot_date
    ),
    occasions AS (
      SELECT customer_id
      FROM staging.occasions
      WHERE known_on <= $snapshot_date
      GROUP BY customer_id, occasion_on
      HAVING sum(orders) > 0
    ),
    customers AS (
      SELECT count(DISTINCT customer_id) AS customers FROM occasions
    )
    SELECT counted.period_kind, counted.orders, standing.orders AS standing_orders, counted.new_buyers, customers.customers
    FROM counted
    CROSS JOIN standing
    CROSS JOIN customers
    WHERE counted.orders <> standing.orders OR counted.new_buyers <> customers.customers
*/
WITH history AS (
  SELECT min(ordered_on) AS first_day
  FROM staging.order_lines
  WHERE ordered_on <= $snapshot_date
),
months AS (
  SELECT days.day AS month, extract(year FROM days.day) AS year, extract(month FROM days.day) AS number
  FROM params.days AS days
  CROSS JOIN history
  WHERE extract(day FROM days.day) = 1
    AND days.day BETWEEN date_trunc('month', history.first_day)::DATE AND $snapshot_date
),
-- Every month three times: as itself, in its quarter, in its year.
dated AS (
  SELECT
    month,
    'month' AS period_kind,
    concat(year::VARCHAR, CASE WHEN number < 10 THEN '-0' ELSE '-' END, number::VARCHAR) AS period,
    month AS starts_on,
    (month + INTERVAL 1 MONTH)::DATE - 1 AS ends_on
  FROM months
  UNION ALL
  SELECT
    month,
    'quarter' AS period_kind,
    concat(year::VARCHAR, '-Q', ((number + 2) // 3)::VARCHAR) AS period,
    date_trunc('quarter', month)::DATE AS starts_on,
    (date_trunc('quarter', month)::DATE + INTERVAL 3 MONTH)::DATE - 1 AS ends_on
  FROM months
  UNION ALL
  SELECT
    month,
    'year' AS period_kind,
    year::VARCHAR AS period,
    date_trunc('year', month)::DATE AS starts_on,
    (date_trunc('year', month)::DATE + INTERVAL 1 YEAR)::DATE - 1 AS ends_on
  FROM months
),
periods AS (
  SELECT DISTINCT
    dated.period,
    dated.period_kind,
    dated.starts_on,
    dated.ends_on,
    dated.ends_on > $snapshot_date AS is_open,
    dated.starts_on >= history.first_day AS is_covered,
    (date_diff('day', dated.starts_on, least(dated.ends_on, $snapshot_date)) + 1)::DOUBLE
      / nullif(date_diff('day', dated.starts_on, dated.ends_on) + 1, 0) AS passed_share
  FROM dated
  CROSS JOIN history
),
sequenced AS (
  SELECT
    customer_id,
    date_trunc('month', occasion_on)::DATE AS month,
    orders,
    row_number() OVER (PARTITION BY customer_id ORDER BY occasion_on) AS place,
    date_diff('day', occasion_on, lead(occasion_on) OVER (PARTITION BY customer_id ORDER BY occasion_on)) AS gap
  FROM features.standing_occasions
),
-- Guests are one nobody without occasions: they count in revenue only.
happened AS (
  SELECT
    customer_id,
    month,
    max(place) AS place,
    max(CASE WHEN place = 1 THEN 1 ELSE 0 END) AS is_new,
    max(CASE WHEN place = 1 AND gap <= 90 THEN 1 ELSE 0 END) AS is_back,
    sum(orders) AS orders,
    0::DECIMAL(18,2) AS revenue
  FROM sequenced
  GROUP BY customer_id, month
  UNION ALL
  SELECT
    customer_id,
    date_trunc('month', ordered_on)::DATE AS month,
    0 AS place,
    0 AS is_new,
    0 AS is_back,
    0 AS orders,
    sum(amount)::DECIMAL(18,2) AS revenue
  FROM staging.order_lines
  WHERE ordered_on <= $snapshot_date
  GROUP BY customer_id, date_trunc('month', ordered_on)::DATE
),
by_month AS (
  SELECT
    customer_id,
    month,
    max(place) AS place,
    max(is_new) AS is_new,
    max(is_back) AS is_back,
    sum(orders) AS orders,
    sum(revenue)::DECIMAL(18,2) AS revenue
  FROM happened
  GROUP BY customer_id, month
),
by_quarter AS (
  SELECT
    customer_id,
    date_trunc('quarter', month)::DATE AS quarter,
    max(place) AS place,
    max(is_new) AS is_new,
    max(is_back) AS is_back,
    sum(orders) AS orders,
    sum(revenue)::DECIMAL(18,2) AS revenue
  FROM by_month
  GROUP BY customer_id, date_trunc('quarter', month)::DATE
),
customers AS (
  SELECT 'month' AS period_kind, month AS starts_on, place, is_new, is_back, orders, revenue
  FROM by_month
  UNION ALL
  SELECT 'quarter' AS period_kind, quarter AS starts_on, place, is_new, is_back, orders, revenue
  FROM by_quarter
  UNION ALL
  SELECT
    'year' AS period_kind,
    date_trunc('year', quarter)::DATE AS starts_on,
    max(place) AS place,
    max(is_new) AS is_new,
    max(is_back) AS is_back,
    sum(orders) AS orders,
    sum(revenue)::DECIMAL(18,2) AS revenue
  FROM by_quarter
  GROUP BY customer_id, date_trunc('year', quarter)::DATE
),
counted AS (
  SELECT
    period_kind,
    starts_on,
    sum(revenue) AS revenue,
    count(*) FILTER (WHERE place > 0) AS buyers,
    count(*) FILTER (WHERE place > 1) AS repeat_buyers,
    sum(is_new) AS new_buyers,
    sum(is_back) AS back_buyers,
    sum(orders) AS orders_of_buyers,
    coalesce(sum(revenue) FILTER (WHERE place > 0), 0) AS revenue_of_buyers,
    coalesce(sum(revenue) FILTER (WHERE place > 1), 0) AS revenue_of_repeat_buyers
  FROM customers
  GROUP BY period_kind, starts_on
),
ordered_by_month AS (
  SELECT date_trunc('month', ordered_on)::DATE AS month, sum(orders) AS orders, sum(amount)::DECIMAL(18,2) AS order_revenue
  FROM staging.orders
  WHERE known_on <= $snapshot_date
  GROUP BY date_trunc('month', ordered_on)::DATE
),
ordered AS (
  SELECT dated.period, sum(ordered_by_month.orders) AS orders, sum(ordered_by_month.order_revenue) AS order_revenue
  FROM ordered_by_month
  JOIN dated ON dated.month = ordered_by_month.month
  GROUP BY dated.period
),
kept_by_month AS (
  SELECT
    date_trunc('month', lines.ordered_on)::DATE AS month,
    coalesce(sum(lines.amount) FILTER (WHERE lines.kind <> 'refund'), 0)::DECIMAL(18,2) AS sold,
    coalesce(-sum(lines.amount) FILTER (WHERE lines.kind = 'refund'), 0)::DECIMAL(18,2) AS refunded
  FROM staging.order_lines AS lines
  LEFT JOIN features.void_orders AS void ON void.order_id = lines.order_id
  WHERE void.order_id IS NULL AND lines.ordered_on <= $snapshot_date
  GROUP BY date_trunc('month', lines.ordered_on)::DATE
),
kept AS (
  SELECT dated.period, sum(kept_by_month.sold) AS sold, sum(kept_by_month.refunded) AS refunded
  FROM kept_by_month
  JOIN dated ON dated.month = kept_by_month.month
  GROUP BY dated.period
),
totals AS (
  SELECT
    periods.period,
    periods.ends_on,
    coalesce(counted.revenue, 0) AS revenue,
    coalesce(counted.buyers, 0) AS buyers,
    coalesce(counted.repeat_buyers, 0) AS repeat_buyers,
    coalesce(counted.new_buyers, 0) AS new_buyers,
    coalesce(counted.back_buyers, 0) AS back_buyers,
    coalesce(counted.orders_of_buyers, 0) AS orders_of_buyers,
    coalesce(counted.revenue_of_buyers, 0) AS revenue_of_buyers,
    CASE
      WHEN counted.revenue_of_buyers > 0
        THEN counted.revenue_of_repeat_buyers::DOUBLE / nullif(counted.revenue_of_buyers, 0)
    END AS repeat_share_of_revenue,
    coalesce(ordered.orders, 0) AS orders,
    coalesce(ordered.order_revenue, 0) AS order_revenue,
    coalesce(kept.sold, 0) AS sold,
    coalesce(kept.refunded, 0) AS refunded
  FROM periods
  LEFT JOIN counted ON counted.period_kind = periods.period_kind AND counted.starts_on = periods.starts_on
  LEFT JOIN ordered ON ordered.period = periods.period
  LEFT JOIN kept ON kept.period = periods.period
),
catalogue AS (
  SELECT kpi, unit, measure, better
  FROM (
    VALUES
      ('revenue', 'currency', 'total', 'higher'),
      ('orders', 'orders', 'total', 'higher'),
      ('buyers', 'customers', 'total', 'higher'),
      ('new_buyers', 'customers', 'total', 'higher'),
      ('repeat_buyers', 'customers', 'total', 'higher'),
      ('repeat_share_of_buyers', 'share', 'ratio', 'higher'),
      ('one_time_share_of_buyers', 'share', 'ratio', 'lower'),
      ('repeat_share_of_revenue', 'share', 'ratio', 'higher'),
      ('one_time_share_of_revenue', 'share', 'ratio', 'lower'),
      ('mean_order_value', 'currency', 'ratio', 'higher'),
      ('orders_per_buyer', 'orders', 'ratio', 'higher'),
      ('revenue_per_buyer', 'currency', 'ratio', 'higher'),
      ('refund_share', 'share', 'ratio', 'lower'),
      ('retention_90d', 'share', 'ratio', 'higher')
  ) AS listed (kpi, unit, measure, better)
),
figures AS (
  SELECT
    totals.period,
    catalogue.kpi,
    catalogue.unit,
    catalogue.measure,
    catalogue.better,
    CASE catalogue.kpi
      WHEN 'revenue' THEN totals.revenue::DOUBLE
      WHEN 'orders' THEN totals.orders::DOUBLE
      WHEN 'buyers' THEN totals.buyers::DOUBLE
      WHEN 'new_buyers' THEN totals.new_buyers::DOUBLE
      WHEN 'repeat_buyers' THEN totals.repeat_buyers::DOUBLE
      WHEN 'repeat_share_of_buyers' THEN totals.repeat_buyers::DOUBLE / nullif(totals.buyers, 0)
      WHEN 'one_time_share_of_buyers' THEN (totals.buyers - totals.repeat_buyers)::DOUBLE / nullif(totals.buyers, 0)
      WHEN 'repeat_share_of_revenue' THEN totals.repeat_share_of_revenue
      WHEN 'one_time_share_of_revenue' THEN 1 - totals.repeat_share_of_revenue
      WHEN 'mean_order_value' THEN totals.order_revenue::DOUBLE / nullif(totals.orders, 0)
      WHEN 'orders_per_buyer' THEN totals.orders_of_buyers::DOUBLE / nullif(totals.buyers, 0)
      WHEN 'revenue_per_buyer' THEN totals.revenue_of_buyers::DOUBLE / nullif(totals.buyers, 0)
      WHEN 'refund_share' THEN
        CASE WHEN totals.sold > 0 THEN totals.refunded::DOUBLE / nullif(totals.sold, 0) END
      WHEN 'retention_90d' THEN
        CASE WHEN totals.ends_on + 90 <= $snapshot_date THEN totals.back_buyers::DOUBLE / nullif(totals.new_buyers, 0) END
    END AS value,
    CASE
      WHEN catalogue.kpi IN ('new_buyers', 'retention_90d') THEN totals.new_buyers
      WHEN catalogue.kpi IN ('revenue', 'orders', 'mean_order_value', 'refund_share') THEN totals.orders
      ELSE totals.buyers
    END AS rests_on
  FROM totals
  CROSS JOIN catalogue
),
compared AS (
  SELECT
    figures.kpi,
    periods.period,
    periods.period_kind,
    periods.starts_on,
    periods.ends_on,
    periods.is_open,
    periods.is_covered,
    periods.passed_share,
    figures.unit,
    figures.measure,
    figures.better,
    figures.value,
    figures.rests_on,
    CASE
      WHEN figures.kpi IN ('repeat_share_of_buyers', 'one_time_share_of_buyers', 'retention_90d') THEN
        3.841458820694124::DOUBLE / nullif(figures.rests_on, 0)
    END AS z_squared_per_buyer,
    targets.value AS target,
    CASE WHEN periods.is_covered AND NOT periods.is_open AND before.is_covered THEN before_figures.value END AS previous_value,
    CASE WHEN periods.is_covered AND NOT periods.is_open AND year_before.is_covered THEN year_figures.value END AS year_earlier_value
  FROM figures
  JOIN periods ON periods.period = figures.period
  LEFT JOIN staging.targets AS targets ON targets.kpi = figures.kpi AND targets.period = figures.period
  LEFT JOIN periods AS before ON before.period_kind = periods.period_kind AND before.ends_on = periods.starts_on - 1
  LEFT JOIN figures AS before_figures ON before_figures.period = before.period AND before_figures.kpi = figures.kpi
  LEFT JOIN periods AS year_before
    ON year_before.period_kind = periods.period_kind
    AND year_before.starts_on = (periods.starts_on - INTERVAL 1 YEAR)::DATE
  LEFT JOIN figures AS year_figures ON year_figures.period = year_before.period AND year_figures.kpi = figures.kpi
),
-- Wilson (1927) with z²/n, as in marts.cohorts.
intervals AS (
  SELECT
    kpi,
    period,
    (value + 0.5 * z_squared_per_buyer) / nullif(1 + z_squared_per_buyer, 0) AS centre,
    sqrt(z_squared_per_buyer * (value * (1 - value) + 0.25 * z_squared_per_buyer)) / nullif(1 + z_squared_per_buyer, 0) AS half_width
  FROM compared
  WHERE z_squared_per_buyer IS NOT NULL
),
judged AS (
  SELECT
    kpi,
    period,
    CASE WHEN better = 'lower' THEN -1 ELSE 1 END * (value - previous_value) AS gain,
    CASE WHEN better = 'lower' THEN -1 ELSE 1 END * (value - year_earlier_value) AS year_gain,
    CASE
      WHEN better = 'lower' THEN value <= target
      WHEN is_open AND measure = 'total' THEN value >= target * passed_share
      ELSE value >= target
    END AS is_reached
  FROM compared
)
SELECT
  $snapshot_date AS snapshot_date,
  compared.kpi,
  compared.period,
  compared.period_kind,
  compared.starts_on,
  compared.ends_on,
  compared.is_open,
  compared.is_covered AND NOT compared.is_open AS is_complete,
  compared.unit,
  compared.measure,
  compared.better,
  compared.value,
  compared.rests_on,
  CASE WHEN compared.value IS NOT NULL AND compared.z_squared_per_buyer IS NOT NULL THEN
    greatest(0, intervals.centre - intervals.half_width)
  END AS value_low,
  CASE WHEN compared.value IS NOT NULL AND compared.z_squared_per_buyer IS NOT NULL THEN
    least(1, intervals.centre + intervals.half_width)
  END AS value_high,
  compared.target,
  CASE
    WHEN compared.target IS NULL THEN 'no_target'
    WHEN compared.value IS NULL OR NOT compared.is_covered THEN 'unknown'
    WHEN judged.is_reached AND compared.is_open THEN 'on_track'
    WHEN compared.is_open THEN 'behind'
    WHEN judged.is_reached THEN 'met'
    ELSE 'missed'
  END AS status,
  compared.previous_value,
  compared.value - compared.previous_value AS change_to_previous,
  CASE WHEN judged.gain > 0 THEN 'better' WHEN judged.gain = 0 THEN 'same' WHEN judged.gain < 0 THEN 'worse' END AS trend,
  compared.year_earlier_value,
  compared.value - compared.year_earlier_value AS change_to_year_earlier,
  CASE
    WHEN judged.year_gain > 0 THEN 'better' WHEN judged.year_gain = 0 THEN 'same' WHEN judged.year_gain < 0 THEN 'worse'
  END AS trend_to_year_earlier
FROM compared
JOIN judged ON judged.kpi = compared.kpi AND judged.period = compared.period
LEFT JOIN intervals ON intervals.kpi = compared.kpi AND intervals.period = compared.period
