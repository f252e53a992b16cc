/*
description: "Orders and revenue that each model ascribes to each campaign, and what is left to none: in every additive model, campaigns and (none) together have the revenue of all orders that stand, once. after_action gives every campaign the whole of each order that it touched, as product pages of senders do; it adds up to more than there is. All of it is ascribed, not caused: customers who click buy more often anyway."
grain: [snapshot_date, campaign_id, model, eligibility]
owner: team:crm
columns:
  snapshot_date:       {type: DATE, meaning: The day whose end the row describes}
  campaign_id:         {type: VARCHAR, meaning: "Campaign; (none): orders that the model ascribes to no campaign"}
  model:               {type: VARCHAR, values: [last_touch, first_touch, linear, position_based, time_decay, as_recorded, after_action], meaning: "How orders are given to campaigns, as in marts.order_credits"}
  eligibility:         {type: VARCHAR, values: [click, open, delivered], meaning: "What counts as a touch, as in marts.order_credits; as_recorded is the same for each"}
  is_additive:         {type: BOOLEAN, meaning: "Whether every order is given away once. false: rows must not be added up"}
  window_days:         {type: INTEGER, unit: days, nullable: true, min: 1, meaning: "Days after a touch in which an order may lie; null for (none)"}
  messages:            {type: BIGINT, unit: messages, nullable: true, min: 0, meaning: "Messages sent to treated members, bounced ones included; null for (none)"}
  orders:              {type: DOUBLE, unit: orders, min: 0, meaning: "Orders ascribed, parts of orders added up"}
  orders_touched:      {type: BIGINT, unit: orders, min: 0, meaning: "Orders of which at least a part is ascribed; for (none), all its orders"}
  buyers:              {type: BIGINT, unit: customers, nullable: true, min: 0, meaning: "Customers of these orders; null for (none)"}
  order_value_min:     {type: "DECIMAL(18,2)", unit: currency, nullable: true, meaning: "Least value of these orders (sales and charges, before refunds), each counted whole; null without any and for (none)"}
  order_value_mean:    {type: DOUBLE, unit: currency, nullable: true, meaning: Mean of them}
  order_value_median:  {type: DOUBLE, unit: currency, nullable: true, meaning: Median of them}
  order_value_max:     {type: "DECIMAL(18,2)", unit: currency, nullable: true, meaning: Greatest of them}
  revenue:             {type: DOUBLE, unit: currency, meaning: "Value of the orders, less what was paid back by the snapshot date, each by the part that is ascribed"}
  revenue_exact:       {type: "DECIMAL(18,2)", unit: currency, nullable: true, meaning: "The same to the cent; null for models that split orders"}
  refunds:             {type: DOUBLE, unit: currency, max: 0, meaning: "What was paid back of it, negative"}
  revenue_per_message: {type: DOUBLE, unit: currency, nullable: true, meaning: "Revenue by message sent; null for (none), and where none was sent"}
  orders_with_coupon:  {type: BIGINT, unit: orders, nullable: true, min: 0, meaning: "Of orders_touched, those with the coupon of the campaign; null if it has none"}
  is_final:            {type: BOOLEAN, nullable: true, meaning: "Whether the last message went out so long ago that the window and 14 days for refunds are over; null for (none) and where no message is told of"}
  is_told_of:          {type: BOOLEAN, nullable: true, meaning: "Whether the export campaigns tells of it; else its window is 5 days, and cost, coupon and control share are not known. null for (none)"}
  out_of_order:        {type: BIGINT, unit: messages, nullable: true, min: 0, meaning: "Messages of which something is told before the campaign was sent, or that were opened or clicked more than 30 minutes before they went out: a test, or times of two zones mixed. null for (none)"}
  contaminated:        {type: BIGINT, unit: customers, nullable: true, min: 0, meaning: "Control members to whom a message was sent after all; null for (none)"}
  causal_status:       {type: VARCHAR, nullable: true, values: [no_control, running, control], meaning: "Whether it could be measured what the campaign caused: members were drawn by lot and it is over (control) or not yet (running); else nobody can know (no_control). null for (none)"}
tests:
  no_credit_is_sold_twice: |
    SELECT given.model, given.eligibility, given.revenue, given.revenue_exact, of_all.revenue AS of_all
    FROM (
      SELECT model, eligibility, sum(revenue) AS revenue, sum(revenue_exact) AS revenue_exact, count(revenue_exact) AS exact_rows
      FROM marts.campaign_performance
      WHERE snapshot_date = $snapshot_date AND is_additive = TRUE
      GROUP BY model, eligibility
    ) AS given
    CROSS JOIN (
      SELECT coalesce(sum(revenue), 0) AS revenue
      FROM marts.order_channels
      WHERE snapshot_date = $snapshot_date
    ) AS of_all
    WHERE abs(given.revenue - of_all.revenue::DOUBLE) > 0.005 + 0.000001 * abs(of_all.revenue::DOUBLE)
      OR given.exact_rows > 0 AND given.revenue_exact <> of_all.revenue
  every_order_is_given_away_once: |
    SELECT given.model, given.eligibility, given.orders, of_all.orders AS of_all
    FROM (
      SELECT model, eligibility, sum(orders) AS orders
      FROM marts.campaign_performance
      WHERE snapshot_date = $snapshot_date AND is_additive = TRUE
      GROUP BY model, eligibility
    ) AS given
    CROSS JOIN (
      SELECT count(*) AS orders
      FROM marts.order_channels
      WHERE snapshot_date = $snapshot_date
    ) AS of_all
    WHERE abs(given.orders - of_all.orders) > 0.000001 * of_all.orders
*/
-- Four of the models give something of the same orders: all that the campaign touched.
WITH models AS (
  SELECT model, given_to, is_additive, is_exact
  FROM (
    VALUES
      ('last_touch', 'last', 1, 1), ('first_touch', 'first', 1, 1), ('linear', 'touched', 1, 0),
      ('position_based', 'touched', 1, 0), ('time_decay', 'touched', 1, 0), ('as_recorded', 'recorded', 1, 1),
      ('after_action', 'touched', 0, 1)
  ) AS listed (model, given_to, is_additive, is_exact)
),
eligibilities AS (
  SELECT eligibility FROM (VALUES ('click'), ('open'), ('delivered')) AS listed (eligibility)
),
members AS (
  SELECT
    campaign_id,
    sum(CASE WHEN group_name = 'treated' THEN messages ELSE 0 END) AS messages,
    count(*) FILTER (WHERE group_name = 'control') AS controls,
    count(*) FILTER (WHERE group_name = 'control' AND messages > 0) AS contaminated,
    sum(out_of_order) AS out_of_order
  FROM features.member_outcomes
  GROUP BY campaign_id
),
sent AS (
  SELECT campaign_id, max(happened_on) AS last_on
  FROM features.dated_events
  WHERE event IN ('assigned', 'sent', 'delivered', 'bounced')
  GROUP BY campaign_id
),
credited AS (
  SELECT campaign_id
  FROM marts.order_credits
  WHERE snapshot_date = $snapshot_date
  GROUP BY campaign_id
),
campaigns AS (
  SELECT
    known.campaign_id,
    coalesce(told.window_days, 5) AS window_days,
    lower(trim(told.coupon)) AS coupon,
    coalesce(members.messages, 0) AS messages,
    told.campaign_id IS NOT NULL AS is_told_of,
    coalesce(members.out_of_order, 0) AS out_of_order,
    coalesce(members.contaminated, 0) AS contaminated,
    date_diff('day', sent.last_on, $snapshot_date) >= coalesce(told.window_days, 5) + 14 AS is_final,
    CASE
      WHEN coalesce(members.controls, 0) = 0 THEN 'no_control'
      WHEN date_diff('day', sent.last_on, $snapshot_date) >= coalesce(told.window_days, 5) + 14 THEN 'control'
      ELSE 'running'
    END AS causal_status
  FROM (
    SELECT campaign_id FROM members
    UNION
    SELECT campaign_id FROM credited
  ) AS known
  LEFT JOIN members ON members.campaign_id = known.campaign_id
  LEFT JOIN sent ON sent.campaign_id = known.campaign_id
  LEFT JOIN staging.campaigns AS told ON told.campaign_id = known.campaign_id
),
coupons AS (
  SELECT DISTINCT order_id, lower(trim(coupon)) AS coupon
  FROM staging.order_lines
  WHERE coupon IS NOT NULL AND ordered_on <= $snapshot_date
),
credits AS (
  SELECT
    credits.eligibility,
    credits.order_id,
    credits.campaign_id,
    orders.customer_id,
    credits.touches,
    credits.last_touch,
    credits.first_touch,
    credits.linear,
    credits.position_based,
    credits.time_decay,
    credits.as_recorded,
    credits.order_value,
    credits.revenue,
    CASE WHEN coupons.order_id IS NOT NULL THEN 1 ELSE 0 END AS has_coupon
  FROM marts.order_credits AS credits
  JOIN features.order_values AS orders ON orders.order_id = credits.order_id
  LEFT JOIN campaigns ON campaigns.campaign_id = credits.campaign_id
  LEFT JOIN coupons ON coupons.order_id = credits.order_id AND coupons.coupon = campaigns.coupon
  WHERE credits.snapshot_date = $snapshot_date
),
given_to AS (
  SELECT
    credits.campaign_id,
    sets.given_to,
    credits.eligibility,
    credits.customer_id,
    credits.linear,
    credits.position_based,
    credits.time_decay,
    credits.order_value,
    credits.revenue,
    credits.has_coupon
  FROM credits
  JOIN (VALUES ('last'), ('first'), ('touched'), ('recorded')) AS sets (given_to)
    ON CASE sets.given_to
      WHEN 'last' THEN credits.last_touch
      WHEN 'first' THEN credits.first_touch
      WHEN 'recorded' THEN credits.as_recorded
      ELSE credits.touches
    END > 0
),
sets AS (
  SELECT
    campaign_id,
    given_to,
    eligibility,
    count(*) AS orders,
    count(DISTINCT customer_id) AS buyers,
    min(order_value) AS order_value_min,
    avg(order_value::DOUBLE) AS order_value_mean,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY order_value::DOUBLE) AS order_value_median,
    max(order_value) AS order_value_max,
    sum(revenue)::DECIMAL(18,2) AS revenue,
    sum(revenue - order_value)::DECIMAL(18,2) AS refunds,
    sum(linear) AS linear,
    sum(linear * revenue::DOUBLE) AS linear_revenue,
    sum(linear * (revenue - order_value)::DOUBLE) AS linear_refunds,
    sum(position_based) AS position_based,
    sum(position_based * revenue::DOUBLE) AS position_based_revenue,
    sum(position_based * (revenue - order_value)::DOUBLE) AS position_based_refunds,
    sum(time_decay) AS time_decay,
    sum(time_decay * revenue::DOUBLE) AS time_decay_revenue,
    sum(time_decay * (revenue - order_value)::DOUBLE) AS time_decay_refunds,
    sum(has_coupon) AS orders_with_coupon
  FROM given_to
  GROUP BY campaign_id, given_to, eligibility
),
summed AS (
  SELECT
    sets.campaign_id,
    models.model,
    sets.eligibility,
    CASE models.model
      WHEN 'linear' THEN sets.linear
      WHEN 'position_based' THEN sets.position_based
      WHEN 'time_decay' THEN sets.time_decay
      ELSE sets.orders::DOUBLE
    END AS orders,
    sets.orders AS orders_touched,
    sets.buyers,
    sets.order_value_min,
    sets.order_value_mean,
    sets.order_value_median,
    sets.order_value_max,
    CASE models.model
      WHEN 'linear' THEN sets.linear_revenue
      WHEN 'position_based' THEN sets.position_based_revenue
      WHEN 'time_decay' THEN sets.time_decay_revenue
      ELSE sets.revenue::DOUBLE
    END AS revenue,
    sets.revenue AS revenue_whole,
    CASE models.model
      WHEN 'linear' THEN sets.linear_refunds
      WHEN 'position_based' THEN sets.position_based_refunds
      WHEN 'time_decay' THEN sets.time_decay_refunds
      ELSE sets.refunds::DOUBLE
    END AS refunds,
    sets.orders_with_coupon
  FROM sets
  JOIN models ON models.given_to = sets.given_to
),
given AS (
  SELECT
    eligibility,
    order_id,
    max(order_value) AS order_value,
    max(revenue) AS revenue,
    max(CASE WHEN touches > 0 THEN 1 ELSE 0 END) AS is_touched,
    max(as_recorded) AS is_recorded
  FROM credits
  GROUP BY eligibility, order_id
),
given_sums AS (
  SELECT
    eligibilities.eligibility,
    models.model,
    models.is_additive,
    models.is_exact,
    count(given.order_id) AS orders,
    coalesce(sum(given.order_value), 0)::DECIMAL(18,2) AS order_value,
    coalesce(sum(given.revenue), 0)::DECIMAL(18,2) AS revenue
  FROM eligibilities
  CROSS JOIN models
  LEFT JOIN given
    ON given.eligibility = eligibilities.eligibility
    AND CASE WHEN models.model = 'as_recorded' THEN given.is_recorded ELSE given.is_touched END = 1
  GROUP BY eligibilities.eligibility, models.model, models.is_additive, models.is_exact
),
everything AS (
  SELECT
    count(*) AS orders,
    coalesce(sum(order_value), 0)::DECIMAL(18,2) AS order_value,
    coalesce(sum(revenue), 0)::DECIMAL(18,2) AS revenue
  FROM marts.order_channels
  WHERE snapshot_date = $snapshot_date
),
rest AS (
  SELECT
    given_sums.eligibility,
    given_sums.model,
    given_sums.is_additive,
    given_sums.is_exact,
    everything.orders - given_sums.orders AS orders,
    (everything.order_value - given_sums.order_value)::DECIMAL(18,2) AS order_value,
    (everything.revenue - given_sums.revenue)::DECIMAL(18,2) AS revenue
  FROM given_sums
  CROSS JOIN everything
)
SELECT
  $snapshot_date AS snapshot_date,
  campaigns.campaign_id,
  models.model,
  eligibilities.eligibility,
  models.is_additive = 1 AS is_additive,
  campaigns.window_days,
  campaigns.messages,
  coalesce(summed.orders, 0.0) AS orders,
  coalesce(summed.orders_touched, 0) AS orders_touched,
  coalesce(summed.buyers, 0) AS buyers,
  summed.order_value_min,
  summed.order_value_mean,
  summed.order_value_median,
  summed.order_value_max,
  coalesce(summed.revenue, 0.0) AS revenue,
  CASE WHEN models.is_exact = 1 THEN coalesce(summed.revenue_whole, 0::DECIMAL(18,2)) END AS revenue_exact,
  coalesce(summed.refunds, 0.0) AS refunds,
  coalesce(summed.revenue, 0.0) / nullif(campaigns.messages, 0) AS revenue_per_message,
  CASE WHEN campaigns.coupon IS NOT NULL THEN coalesce(summed.orders_with_coupon, 0) END AS orders_with_coupon,
  campaigns.is_final,
  campaigns.is_told_of,
  campaigns.out_of_order,
  campaigns.contaminated,
  campaigns.causal_status
FROM campaigns
CROSS JOIN models
CROSS JOIN eligibilities
LEFT JOIN summed
  ON summed.campaign_id = campaigns.campaign_id
  AND summed.model = models.model
  AND summed.eligibility = eligibilities.eligibility
UNION ALL
SELECT
  $snapshot_date AS snapshot_date,
  '(none)' AS campaign_id,
  model,
  eligibility,
  is_additive = 1 AS is_additive,
  CAST(NULL AS INTEGER) AS window_days,
  CAST(NULL AS BIGINT) AS messages,
  orders::DOUBLE AS orders,
  orders AS orders_touched,
  CAST(NULL AS BIGINT) AS buyers,
  CAST(NULL AS DECIMAL(18,2)) AS order_value_min,
  CAST(NULL AS DOUBLE) AS order_value_mean,
  CAST(NULL AS DOUBLE) AS order_value_median,
  CAST(NULL AS DECIMAL(18,2)) AS order_value_max,
  revenue::DOUBLE AS revenue,
  CASE WHEN is_exact = 1 THEN revenue END AS revenue_exact,
  (revenue - order_value)::DOUBLE AS refunds,
  CAST(NULL AS DOUBLE) AS revenue_per_message,
  CAST(NULL AS BIGINT) AS orders_with_coupon,
  CAST(NULL AS BOOLEAN) AS is_final,
  CAST(NULL AS BOOLEAN) AS is_told_of,
  CAST(NULL AS BIGINT) AS out_of_order,
  CAST(NULL AS BIGINT) AS contaminated,
  CAST(NULL AS VARCHAR) AS causal_status
FROM rest
