/*
description: "What the models may know of a customer at the end of a day: rhythm and spend up to it, and nothing later. A query for any day, not a table: the models ask for the snapshot date and for the origins they are tested at."
grain: [snapshot_date, customer_id]
owner: team:data
columns:
  snapshot_date:      {type: DATE, meaning: The day whose end the row describes}
  customer_id:        {type: VARCHAR, meaning: Customer of the shop}
  frequency:          {type: BIGINT, unit: occasions, min: 0, meaning: "Repeat occasions: x of the models"}
  active_span_days:   {type: BIGINT, unit: days, min: 0, meaning: "Days from the first to the last occasion: t_x"}
  age_days:           {type: BIGINT, unit: days, min: 0, meaning: "Days from the first occasion to the day: T"}
  recency_days:       {type: BIGINT, unit: days, min: 0, meaning: Days from the last occasion to the day}
  monetary_value:     {type: DOUBLE, unit: currency, nullable: true, min: 0, meaning: "Mean value of repeat occasions before refunds; null without a repeat occasion of positive mean"}
  orders:             {type: BIGINT, unit: orders, min: 1, meaning: Orders that stand}
  mean_gap_days:      {type: DOUBLE, unit: days, nullable: true, min: 0, meaning: Mean number of days between occasions}
  longest_gap_days:   {type: BIGINT, unit: days, nullable: true, min: 0, meaning: Longest number of days between occasions}
  last_gap_days:      {type: BIGINT, unit: days, nullable: true, min: 0, meaning: Days between the last two occasions}
  occasions_30_days:  {type: BIGINT, unit: occasions, min: 0, meaning: Occasions of the last 30 days}
  occasions_90_days:  {type: BIGINT, unit: occasions, min: 0, meaning: Occasions of the last 90 days}
  occasions_180_days: {type: BIGINT, unit: occasions, min: 0, meaning: Occasions of the last 180 days}
  occasions_365_days: {type: BIGINT, unit: occasions, min: 0, meaning: Occasions of the last 365 days}
  occasions_season:   {type: BIGINT, unit: occasions, min: 0, meaning: "Occasions in the 30 days that follow this day of the year, a year ago"}
  first_amount:       {type: DOUBLE, unit: currency, meaning: Value of the first occasion}
  last_amount:        {type: DOUBLE, unit: currency, meaning: Value of the last occasion}
  mean_amount:        {type: DOUBLE, unit: currency, meaning: Mean value of an occasion}
*/
WITH standing AS (
  SELECT customer_id, occasion_on, sum(orders) AS orders, sum(amount) AS amount
  FROM staging.occasions
  WHERE known_on <= $snapshot_date
  GROUP BY customer_id, occasion_on
  HAVING sum(orders) > 0
),
sequenced AS (
  SELECT
    customer_id,
    occasion_on,
    orders,
    amount,
    date_diff('day', occasion_on, $snapshot_date) AS days_ago,
    date_diff('day', lag(occasion_on) OVER (PARTITION BY customer_id ORDER BY occasion_on), occasion_on) AS gap,
    row_number() OVER (PARTITION BY customer_id ORDER BY occasion_on) AS place,
    row_number() OVER (PARTITION BY customer_id ORDER BY occasion_on DESC) AS place_from_end
  FROM standing
)
SELECT
  $snapshot_date AS snapshot_date,
  customer_id,
  count(*) - 1 AS frequency,
  max(days_ago) - min(days_ago) AS active_span_days,
  max(days_ago) AS age_days,
  min(days_ago) AS recency_days,
  CASE
    WHEN sum(amount) FILTER (WHERE place > 1) > 0
      THEN (sum(amount) FILTER (WHERE place > 1))::DOUBLE / nullif((count(*) - 1)::DOUBLE, 0)
  END AS monetary_value,
  sum(orders) AS orders,
  sum(gap)::DOUBLE / nullif((count(*) - 1)::DOUBLE, 0) AS mean_gap_days,
  max(gap) AS longest_gap_days,
  max(gap) FILTER (WHERE place_from_end = 1) AS last_gap_days,
  count(*) FILTER (WHERE days_ago < 30) AS occasions_30_days,
  count(*) FILTER (WHERE days_ago < 90) AS occasions_90_days,
  count(*) FILTER (WHERE days_ago < 180) AS occasions_180_days,
  count(*) FILTER (WHERE days_ago < 365) AS occasions_365_days,
  count(*) FILTER (WHERE days_ago >= 335 AND days_ago < 365) AS occasions_season,
  (max(amount) FILTER (WHERE place = 1))::DOUBLE AS first_amount,
  (max(amount) FILTER (WHERE place_from_end = 1))::DOUBLE AS last_amount,
  sum(amount)::DOUBLE / nullif(count(*)::DOUBLE, 0) AS mean_amount
FROM sequenced
GROUP BY customer_id
