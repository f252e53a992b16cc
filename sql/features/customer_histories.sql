/*
description: "Of customer_features what the timing and spend models need: when a customer bought up to the end of a day, and for how much. Read from occasions alone, it costs a tenth. A query for any day, not a table."
grain: [snapshot_date, customer_id]
owner: team:data
columns:
  snapshot_date:    {type: DATE, meaning: The day whose end the row describes}
  customer_id:      {type: VARCHAR, meaning: Customer of the shop}
  frequency:        {type: BIGINT, unit: occasions, min: 0, meaning: "Repeat occasions: x of the models"}
  active_span_days: {type: BIGINT, unit: days, min: 0, meaning: "Days from the first to the last occasion: t_x"}
  age_days:         {type: BIGINT, unit: days, min: 0, meaning: "Days from the first occasion to the day: T"}
  recency_days:     {type: BIGINT, unit: days, min: 0, meaning: Days from the last occasion to the day}
  monetary_value:   {type: DOUBLE, unit: currency, nullable: true, min: 0, meaning: "Mean value of repeat occasions before refunds; null without a repeat occasion of positive mean"}
  amount:           {type: "DECIMAL(18,2)", unit: currency, meaning: Value of all occasions}
  mean_amount:      {type: DOUBLE, unit: currency, meaning: Mean value of an occasion}
*/
WITH ends AS (
  SELECT
    customer_id,
    count(*) - 1 AS frequency,
    min(occasion_on) AS first_on,
    max(occasion_on) AS last_on,
    sum(amount)::DECIMAL(18,2) AS amount
  FROM features.standing_occasions
  GROUP BY customer_id
),
valued AS (
  SELECT
    ends.customer_id,
    ends.frequency,
    ends.first_on,
    ends.last_on,
    ends.amount,
    (ends.amount - standing.amount)::DECIMAL(18,2) AS repeat_amount
  FROM ends
  JOIN features.standing_occasions AS standing ON standing.customer_id = ends.customer_id AND standing.occasion_on = ends.first_on
)
SELECT
  $snapshot_date AS snapshot_date,
  customer_id,
  frequency,
  date_diff('day', first_on, last_on) AS active_span_days,
  date_diff('day', first_on, $snapshot_date) AS age_days,
  date_diff('day', last_on, $snapshot_date) AS recency_days,
  CASE WHEN repeat_amount > 0 THEN repeat_amount::DOUBLE / nullif(frequency::DOUBLE, 0) END AS monetary_value,
  amount,
  amount::DOUBLE / nullif((frequency + 1)::DOUBLE, 0) AS mean_amount
FROM valued
