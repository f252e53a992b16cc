/*
description: "Orders that stand and that a campaign touched before, or is recorded for: how much of each order every model ascribes to each campaign. In a model, the weights of an order add up to 1, so no order is credited twice; where no campaign has weight, none is credited. Ascribed is not caused: most of these orders would have come anyway."
grain: [snapshot_date, eligibility, order_id, campaign_id]
owner: team:crm
columns:
  snapshot_date:  {type: DATE, meaning: The day whose end the row describes}
  eligibility:    {type: VARCHAR, values: [click, open, delivered], meaning: "What counts as a touch: a person's click; a click or a person's open; these or a delivered message"}
  order_id:       {type: VARCHAR, meaning: Order of the shop}
  campaign_id:    {type: VARCHAR, meaning: Campaign}
  touches:        {type: BIGINT, unit: messages, min: 0, meaning: "Messages of the campaign that touched the customer before the order and in its window; 0 if the campaign is only recorded"}
  last_touch:     {type: INTEGER, min: 0, max: 1, meaning: "1 if the last touch before the order was the campaign's"}
  first_touch:    {type: INTEGER, min: 0, max: 1, meaning: "1 if the first touch was"}
  linear:         {type: DOUBLE, min: 0, max: 1, meaning: "Share of the touches that were the campaign's"}
  position_based: {type: DOUBLE, min: 0, max: 1, meaning: "0.4 for the first and for the last touch, the rest evenly for those between; of two, half each"}
  time_decay:     {type: DOUBLE, min: 0, max: 1, meaning: "A touch counts half as much for every 7 days between it and the order"}
  as_recorded:    {type: INTEGER, min: 0, max: 1, meaning: "1 if the shop ascribes the order to the campaign, whatever touched the customer"}
  order_value:    {type: "DECIMAL(18,2)", unit: currency, meaning: "Sales and charges of the whole order, before refunds"}
  revenue:        {type: "DECIMAL(18,2)", unit: currency, meaning: "The same less what was paid back for it by the snapshot date"}
tests:
  no_order_is_credited_twice: |
    SELECT eligibility, order_id
    FROM marts.order_credits
    WHERE snapshot_date = $snapshot_date
    GROUP BY eligibility, order_id
    HAVING sum(last_touch) <> sum(first_touch)
      OR sum(last_touch) > 1
      OR sum(as_recorded) > 1
      OR sum(last_touch) + sum(as_recorded) = 0
      OR abs(sum(linear) - sum(last_touch)) > 0.000001
      OR abs(sum(position_based) - sum(last_touch)) > 0.000001
      OR abs(sum(time_decay) - sum(last_touch)) > 0.000001
  only_touches_have_weight: |
    SELECT eligibility, order_id, campaign_id, touches
    FROM marts.order_credits
    WHERE snapshot_date = $snapshot_date AND (touches > 0) <> (linear > 0)
  revenue_is_that_of_the_orders: |
    SELECT credits.eligibility, credits.revenue, orders.revenue AS of_orders
    FROM (
      SELECT eligibility, sum(revenue) AS revenue
      FROM marts.order_credits
      WHERE snapshot_date = $snapshot_date AND as_recorded = 1
      GROUP BY eligibility
    ) AS credits
    CROSS JOIN (
      SELECT sum(revenue) AS revenue
      FROM marts.order_channels
      WHERE snapshot_date = $snapshot_date AND campaign_id IS NOT NULL
    ) AS orders
    WHERE credits.revenue <> orders.revenue
*/
WITH eligibilities AS (
  SELECT eligibility, least_strength
  FROM (VALUES ('click', 3), ('open', 2), ('delivered', 1)) AS listed (eligibility, least_strength)
),
-- A message counts once before an order, by the most that was done with it.
eligible AS (
  SELECT
    order_id,
    ordered_on,
    campaign_id,
    message_id,
    touched_at,
    strength,
    row_number() OVER (PARTITION BY order_id, campaign_id, message_id ORDER BY strength DESC) AS place
  FROM features.touches
),
touching AS (
  SELECT
    eligibilities.eligibility,
    eligible.order_id,
    eligible.campaign_id,
    eligible.message_id,
    eligible.touched_at,
    eligible.strength,
    pow(2, -(date_diff('day', eligible.touched_at::DATE, eligible.ordered_on)::DOUBLE / 7)) AS freshness
  FROM eligible
  JOIN eligibilities ON eligible.strength >= eligibilities.least_strength
  WHERE eligible.place = 1
),
paths AS (
  SELECT
    eligibility,
    order_id,
    campaign_id,
    freshness,
    row_number() OVER (
      PARTITION BY eligibility, order_id ORDER BY touched_at, strength, campaign_id, message_id
    ) AS k,
    count(*) OVER (PARTITION BY eligibility, order_id) AS n,
    sum(freshness) OVER (PARTITION BY eligibility, order_id) AS freshness_of_all
  FROM touching
),
weighed AS (
  SELECT
    eligibility,
    order_id,
    campaign_id,
    1 AS touches,
    CASE WHEN k = n THEN 1 ELSE 0 END AS last_touch,
    CASE WHEN k = 1 THEN 1 ELSE 0 END AS first_touch,
    1.0::DOUBLE / nullif(n, 0) AS linear,
    CASE
      WHEN n = 1 THEN 1.0::DOUBLE
      WHEN n = 2 THEN 0.5::DOUBLE
      WHEN k = 1 OR k = n THEN 0.4::DOUBLE
      ELSE 0.2::DOUBLE / nullif(n - 2, 0)
    END AS position_based,
    freshness / nullif(freshness_of_all, 0) AS time_decay,
    0 AS as_recorded
  FROM paths
  UNION ALL
  SELECT
    eligibilities.eligibility,
    channels.order_id,
    channels.campaign_id,
    0 AS touches,
    0 AS last_touch,
    0 AS first_touch,
    0.0::DOUBLE AS linear,
    0.0::DOUBLE AS position_based,
    0.0::DOUBLE AS time_decay,
    1 AS as_recorded
  FROM marts.order_channels AS channels
  CROSS JOIN eligibilities
  WHERE channels.snapshot_date = $snapshot_date AND channels.campaign_id IS NOT NULL
),
credits AS (
  SELECT
    eligibility,
    order_id,
    campaign_id,
    sum(touches) AS touches,
    sum(last_touch) AS last_touch,
    sum(first_touch) AS first_touch,
    sum(linear) AS linear,
    sum(position_based) AS position_based,
    sum(time_decay) AS time_decay,
    sum(as_recorded) AS as_recorded
  FROM weighed
  GROUP BY eligibility, order_id, campaign_id
)
SELECT
  $snapshot_date AS snapshot_date,
  credits.eligibility,
  credits.order_id,
  credits.campaign_id,
  credits.touches,
  credits.last_touch,
  credits.first_touch,
  least(credits.linear, 1.0) AS linear,
  least(credits.position_based, 1.0) AS position_based,
  least(credits.time_decay, 1.0) AS time_decay,
  credits.as_recorded,
  channels.order_value,
  channels.revenue
FROM credits
JOIN marts.order_channels AS channels ON channels.order_id = credits.order_id AND channels.snapshot_date = $snapshot_date
