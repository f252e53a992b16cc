/*
description: "What a customer will probably buy on the next occasion, if there is one: the three likeliest categories. Several come true at once, so the probabilities do not add up to 1; whether and when there is a next occasion stands in marts.clv_predictions. A recent occasion counts more (half after 90 days), and who has bought little is drawn towards the shop's rate, by the weight of marts.next_category_fit. Empty where that has insufficient data, or nobody has bought for 90 days."
grain: [snapshot_date, customer_id, rank]
owner: team:crm
columns:
  snapshot_date:  {type: DATE, meaning: The day whose end the row describes}
  customer_id:    {type: VARCHAR, meaning: Customer of the shop}
  rank:           {type: INTEGER, min: 1, max: 3, meaning: 1 is the likeliest}
  category:       {type: VARCHAR, meaning: Category}
  probability:    {type: DOUBLE, min: 0, max: 1, meaning: "Chance that something of the category is bought on the next occasion, given that there is one"}
  occasions_with: {type: BIGINT, unit: days, min: 0, meaning: Occasions of the customer with the category}
  occasions:      {type: BIGINT, unit: days, min: 1, meaning: Occasions of the customer with any category}
  last_on:        {type: DATE, nullable: true, meaning: Last occasion with the category; null if there was none}
  base_rate:      {type: DOUBLE, min: 0, max: 1, meaning: Share of all occasions of the last 90 days that have the category}
  status:         {type: VARCHAR, values: [ok, not_better_than_naive], meaning: "not_better_than_naive: the shop's rate predicted the past at least as well, so everybody has it"}
tests:
  ranks_follow_the_probabilities: |
    SELECT earlier.rank, earlier.probability, later.probability AS next_probability
    FROM marts.next_categories AS earlier
    JOIN marts.next_categories AS later
      ON later.snapshot_date = earlier.snapshot_date
      AND later.customer_id = earlier.customer_id
      AND later.rank = earlier.rank + 1
    WHERE earlier.snapshot_date = $snapshot_date AND later.probability > earlier.probability
  only_what_was_bought_has_a_last_day: |
    SELECT rank, occasions_with, last_on
    FROM marts.next_categories
    WHERE snapshot_date = $snapshot_date AND (occasions_with > occasions OR (occasions_with = 0) <> (last_on IS NULL))
*/
WITH fit AS (
  SELECT prior_weight, status
  FROM marts.next_category_fit
  WHERE snapshot_date = $snapshot_date AND is_chosen
),
bought AS (
  SELECT
    occasions.customer_id,
    occasions.occasion_on,
    occasions.item AS category,
    date_diff('day', occasions.occasion_on, $snapshot_date) AS age_days
  FROM features.item_occasions AS occasions
  CROSS JOIN fit
  WHERE occasions.level = 'category'
),
days AS (
  SELECT DISTINCT customer_id, occasion_on, age_days
  FROM bought
),
customers AS (
  SELECT customer_id, count(*) AS occasions, sum(pow(0.5, age_days::DOUBLE / 90)) AS weight
  FROM days
  GROUP BY customer_id
),
recent AS (
  SELECT count(*) AS occasions
  FROM days
  WHERE age_days < 90
),
rates AS (
  SELECT
    bought.category,
    count(*) FILTER (WHERE bought.age_days < 90) AS recent_occasions,
    count(*) FILTER (WHERE bought.age_days < 90)::DOUBLE / nullif(recent.occasions, 0) AS base_rate
  FROM bought
  JOIN recent ON recent.occasions > 0
  GROUP BY bought.category, recent.occasions
),
commonest AS (
  SELECT category
  FROM (
    SELECT category, row_number() OVER (ORDER BY recent_occasions DESC, category) AS place
    FROM rates
  ) AS placed
  WHERE place <= 3
),
own AS (
  SELECT bought.customer_id, bought.category, bought.occasions AS occasions_with, bought.weight, bought.last_on
  FROM features.customer_categories AS bought
  CROSS JOIN fit
),
candidates AS (
  SELECT customer_id, category, occasions_with, weight, last_on
  FROM own
  UNION ALL
  SELECT customers.customer_id, commonest.category, 0 AS occasions_with, 0.0::DOUBLE AS weight, NULL::DATE AS last_on
  FROM customers
  CROSS JOIN commonest
  LEFT JOIN own ON own.customer_id = customers.customer_id AND own.category = commonest.category
  WHERE own.customer_id IS NULL
),
judged AS (
  SELECT
    candidates.customer_id,
    candidates.category,
    candidates.occasions_with,
    candidates.last_on,
    customers.occasions,
    rates.base_rate,
    rates.recent_occasions,
    fit.status,
    CASE
      WHEN fit.status = 'not_better_than_naive' THEN rates.base_rate
      ELSE (candidates.weight + fit.prior_weight * rates.base_rate) / nullif(customers.weight + fit.prior_weight, 0)
    END AS probability
  FROM candidates
  CROSS JOIN fit
  JOIN customers ON customers.customer_id = candidates.customer_id
  JOIN rates ON rates.category = candidates.category
),
ranked AS (
  SELECT
    customer_id,
    category,
    probability,
    occasions_with,
    occasions,
    last_on,
    base_rate,
    status,
    row_number() OVER (
      PARTITION BY customer_id ORDER BY floor(probability * 10000000000 + 0.5) DESC, recent_occasions DESC, category
    ) AS rank
  FROM judged
)
SELECT
  $snapshot_date AS snapshot_date,
  customer_id,
  rank,
  category,
  least(probability, 1.0) AS probability,
  occasions_with,
  occasions,
  last_on,
  base_rate,
  status
FROM ranked
WHERE rank <= 3
