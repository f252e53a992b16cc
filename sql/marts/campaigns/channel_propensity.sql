/*
description: "By which channel a customer's next order is likely to come, as the last 730 days tell: the channel's part of the customer's orders, drawn towards its part of all orders as far as customers differ by no more than chance. What a customer has is the channels they ordered by and the likeliest; the others follow from the rows (all). Orders whose channel was not recorded are left out."
grain: [snapshot_date, customer_id, channel]
owner: team:crm
columns:
  snapshot_date: {type: DATE, meaning: The day whose end the row describes}
  customer_id:   {type: VARCHAR, meaning: "Customer with such an order; (all): every customer together, whose shares are the base"}
  channel:
    type: VARCHAR
    values: [store, marketplace, direct, email, sms, push, paid_search, paid_social, paid_video, paid_shopping, paid_other, display, organic_search, organic_social, organic_video, organic_shopping, affiliate, referral, audio, other]
    meaning: Marketing channel of orders
  n:             {type: BIGINT, unit: orders, min: 1, meaning: Orders of the customer by any channel}
  orders:        {type: BIGINT, unit: orders, min: 0, meaning: "Of these, by this one"}
  share:         {type: DOUBLE, unit: share, min: 0, max: 1, meaning: "(orders + prior_weight · base) / (n + prior_weight); the base itself where customers do not differ"}
  base_share:    {type: DOUBLE, unit: share, min: 0, max: 1, meaning: The channel's part of the orders of all customers}
  rank:          {type: INTEGER, min: 1, meaning: "Place of the channel by share; of equal ones, by base_share, then by name"}
  rho:           {type: DOUBLE, nullable: true, max: 1, meaning: "How much more often two orders of one customer come by the same channel than two of anybody, as a share of what is possible; the same in all rows"}
  prior_weight:  {type: DOUBLE, unit: orders, nullable: true, min: 0, meaning: "Orders at the base that are added to the customer's own; null where customers do not differ"}
  is_consented:  {type: BOOLEAN, nullable: true, meaning: "Of email, sms and push: whether marketing by it is consented to on the day; null for other channels, for (all) and where no consents are told of"}
tests:
  the_base_adds_up: |
    SELECT sum(share) AS share, max(n) - sum(orders) AS missing
    FROM marts.channel_propensity
    WHERE snapshot_date = $snapshot_date AND customer_id = '(all)'
    HAVING abs(sum(share) - 1) > 0.000001 OR max(n) <> sum(orders)
  every_customer_has_a_likeliest_channel_and_all_orders: |
    SELECT customer_id
    FROM marts.channel_propensity
    WHERE snapshot_date = $snapshot_date
    GROUP BY customer_id
    HAVING min(rank) <> 1 OR sum(orders) <> max(n) OR sum(share) > 1.000001
*/
WITH counted AS (
  SELECT channel, sum(orders) AS orders
  FROM features.customer_channels
  GROUP BY channel
),
base AS (
  SELECT
    channel,
    orders,
    sum(orders) OVER () AS n,
    orders::DOUBLE / nullif(sum(orders) OVER (), 0) AS share
  FROM counted
),
customers AS (
  SELECT customer_id, sum(orders) AS n
  FROM features.customer_channels
  GROUP BY customer_id
),
fit AS (
  SELECT rho, prior_weight
  FROM marts.preference_fit
  WHERE snapshot_date = $snapshot_date AND preference = 'order_channel' AND level = 'customer'
),
possible AS (
  SELECT
    customers.customer_id,
    base.channel,
    customers.n,
    coalesce(own.orders, 0) AS orders,
    base.share AS base_share,
    fit.rho,
    fit.prior_weight
  FROM customers
  CROSS JOIN base
  CROSS JOIN fit
  LEFT JOIN features.customer_channels AS own ON own.customer_id = customers.customer_id AND own.channel = base.channel
  UNION ALL
  SELECT '(all)' AS customer_id, base.channel, base.n, base.orders, base.share AS base_share, fit.rho, fit.prior_weight
  FROM base
  CROSS JOIN fit
),
shares AS (
  SELECT
    customer_id,
    channel,
    n,
    orders,
    base_share,
    rho,
    prior_weight,
    CASE
      WHEN prior_weight IS NULL OR customer_id = '(all)' THEN base_share
      ELSE (orders + prior_weight * base_share) / nullif(n + prior_weight, 0)
    END AS share
  FROM possible
),
ranked AS (
  SELECT
    customer_id,
    channel,
    n,
    orders,
    share,
    base_share,
    rho,
    prior_weight,
    row_number() OVER (PARTITION BY customer_id ORDER BY share DESC, base_share DESC, channel) AS rank
  FROM shares
),
told AS (
  SELECT count(*) AS consents FROM features.contact_consents
)
SELECT
  $snapshot_date AS snapshot_date,
  ranked.customer_id,
  ranked.channel,
  ranked.n,
  ranked.orders,
  ranked.share,
  ranked.base_share,
  ranked.rank,
  ranked.rho,
  ranked.prior_weight,
  CASE
    WHEN told.consents > 0 AND ranked.customer_id <> '(all)' AND ranked.channel IN ('email', 'sms', 'push')
      THEN coalesce(consents.is_granted, 0) = 1
  END AS is_consented
FROM ranked
CROSS JOIN told
LEFT JOIN features.contact_consents AS consents
  ON consents.customer_id = ranked.customer_id AND consents.channel = ranked.channel
WHERE ranked.orders > 0 OR ranked.rank = 1
