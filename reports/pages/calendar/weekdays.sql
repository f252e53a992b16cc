/*
title: Days of the week
draw: {columns: weekday, series: {mean_revenue: accent}}
columns:
  weekday: Weekday
  mean_revenue: {label: Mean revenue, kind: money}
  orders: Orders, guests included
  days: Days
hidden: [first_on, last_on]
let:
  best: max_by(rows, mean_revenue)
  least: min_by(rows, mean_revenue)
  week: sum(mean_revenue)
  orders: sum(orders)
sentence: >-
  {{ best.weekday }}s bring most, {{ best.mean_revenue|money }} on average, {{ (best.mean_revenue / week)|percent }} of a week;
  {{ least.weekday }}s least, {{ least.mean_revenue|money }}.
hover: "{{ weekday }}<br>{{ mean_revenue|money }} on average<br>{{ orders|counted('order') }} on {{ days|counted('day') }}"
basis: n = {{ orders|counted("order") }} · {{ rows[0].first_on|span(rows[0].last_on) }}
*/
WITH listed AS (
  SELECT
    starts_on,
    isodow(starts_on) AS place,
    revenue, orders,
    date_trunc('week', starts_on)::DATE AS monday
  FROM marts.revenue_calendar
  WHERE snapshot_date = $snapshot_date AND period_kind = 'day'
),
-- The last whole weeks, from a Monday to a Sunday, of a year at most.
whole AS (
  SELECT * FROM listed QUALIFY count(*) OVER (PARTITION BY monday) = 7
),
recent AS (
  SELECT * FROM whole QUALIFY dense_rank() OVER (ORDER BY monday DESC) <= 52
),
ranked AS (
  SELECT
    *,
    rank() OVER (ORDER BY revenue) + (count(*) OVER (PARTITION BY revenue) - 1) / 2.0::DOUBLE AS place_in_all,
    count(*) OVER (PARTITION BY revenue)::DOUBLE AS equal,
    count(*) OVER ()::DOUBLE AS n
  FROM recent
),
sums AS (
  SELECT place, sum(place_in_all) AS ranks, count(*)::DOUBLE AS days, any_value(n) AS n, sum(equal * equal - 1) AS ties
  FROM ranked
  GROUP BY place
),
-- Kruskal–Wallis with its correction for ties; chance makes more than 16.81 of seven samples one time in a hundred.
tested AS (
  SELECT
    (12 / (max(n) * (max(n) + 1)) * sum(ranks * ranks / days) - 3 * (max(n) + 1))
      / nullif(1 - sum(ties) / (max(n) * max(n) * max(n) - max(n)), 0) AS h,
    min(days) AS weeks
  FROM sums
)
SELECT
  ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'][recent.place] AS weekday,
  avg(recent.revenue)::DECIMAL(18,2) AS mean_revenue,
  sum(recent.orders)::BIGINT AS orders,
  count(*) AS days,
  min(min(recent.starts_on)) OVER () AS first_on,
  max(max(recent.starts_on)) OVER () AS last_on
FROM recent
CROSS JOIN tested
WHERE tested.h > 16.8119 AND tested.weeks >= 8
GROUP BY recent.place
ORDER BY recent.place
