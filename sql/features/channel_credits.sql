/*
description: "What each model ascribes to each channel of visits: orders, and what these brought less what was paid back. In every model but after_action, an order with a path is given away once. A query for any day, not a table."
grain: [channel]
owner: team:data
columns:
  channel:                {type: VARCHAR, meaning: Marketing channel of visits before orders}
  paths_without_order:    {type: BIGINT, unit: paths, min: 0, meaning: Paths without an order that have the channel}
  after_action:           {type: BIGINT, unit: orders, min: 0, meaning: Orders with a visit by the channel in their path}
  after_action_revenue:   {type: "DECIMAL(18,2)", unit: currency, meaning: What they brought}
  last_touch:             {type: BIGINT, unit: orders, min: 0, meaning: Those of which the last visit came by it}
  last_touch_revenue:     {type: "DECIMAL(18,2)", unit: currency, meaning: What they brought}
  first_touch:            {type: BIGINT, unit: orders, min: 0, meaning: Those of which the first visit did}
  first_touch_revenue:    {type: "DECIMAL(18,2)", unit: currency, meaning: What they brought}
  linear:                 {type: DOUBLE, unit: orders, min: 0, meaning: "Orders in parts, by its share of the visits"}
  linear_revenue:         {type: DOUBLE, unit: currency, meaning: The same parts of what they brought}
  position_based:         {type: DOUBLE, unit: orders, min: 0, meaning: "0.4 of an order to the first and the last visit, the rest evenly to those between; of two, half each"}
  position_based_revenue: {type: DOUBLE, unit: currency, meaning: The same parts of what they brought}
  time_decay:             {type: DOUBLE, unit: orders, min: 0, meaning: "A visit counts half as much for every 7 days between it and the order"}
  time_decay_revenue:     {type: DOUBLE, unit: currency, meaning: The same parts of what they brought}
  shapley:                {type: DOUBLE, unit: orders, min: 0, meaning: "An order is split evenly over the channels in its path"}
  shapley_revenue:        {type: DOUBLE, unit: currency, meaning: The same parts of what they brought}
*/
WITH visited AS (
  SELECT
    ends_in_order,
    path_id,
    channel,
    max(CASE WHEN place = visits THEN 1 ELSE 0 END) AS last_touch,
    max(CASE WHEN place = 1 THEN 1 ELSE 0 END) AS first_touch,
    count(*)::DOUBLE / nullif(max(visits), 0) AS linear,
    sum(
      CASE
        WHEN visits = 1 THEN 1.0::DOUBLE
        WHEN visits = 2 THEN 0.5::DOUBLE
        WHEN place = 1 OR place = visits THEN 0.4::DOUBLE
        ELSE 0.2::DOUBLE / nullif(visits - 2, 0)
      END
    ) AS position_based,
    sum(pow(2, -(days_before::DOUBLE / 7))) AS freshness
  FROM features.visit_paths
  GROUP BY ends_in_order, path_id, channel
),
credits AS (
  SELECT
    ends_in_order,
    path_id,
    channel,
    last_touch,
    first_touch,
    linear,
    position_based,
    freshness / nullif(sum(freshness) OVER (PARTITION BY ends_in_order, path_id), 0) AS time_decay,
    1.0::DOUBLE / nullif(count(*) OVER (PARTITION BY ends_in_order, path_id), 0) AS shapley
  FROM visited
),
weighed AS (
  SELECT
    credits.channel,
    credits.ends_in_order,
    credits.ends_in_order * credits.last_touch AS last_touch,
    credits.ends_in_order * credits.first_touch AS first_touch,
    credits.ends_in_order * credits.linear AS linear,
    credits.ends_in_order * credits.position_based AS position_based,
    coalesce(credits.time_decay, 0.0) AS time_decay,
    credits.ends_in_order * credits.shapley AS shapley,
    coalesce(orders.revenue, 0)::DECIMAL(18,2) AS revenue
  FROM credits
  LEFT JOIN marts.order_channels AS orders
    ON orders.order_id = credits.path_id AND orders.snapshot_date = $snapshot_date AND credits.ends_in_order = 1
)
SELECT
  channel,
  sum(1 - ends_in_order) AS paths_without_order,
  sum(ends_in_order) AS after_action,
  sum(revenue)::DECIMAL(18,2) AS after_action_revenue,
  sum(last_touch) AS last_touch,
  sum(CASE WHEN last_touch = 1 THEN revenue ELSE 0 END)::DECIMAL(18,2) AS last_touch_revenue,
  sum(first_touch) AS first_touch,
  sum(CASE WHEN first_touch = 1 THEN revenue ELSE 0 END)::DECIMAL(18,2) AS first_touch_revenue,
  sum(linear) AS linear,
  sum(linear * revenue::DOUBLE) AS linear_revenue,
  sum(position_based) AS position_based,
  sum(position_based * revenue::DOUBLE) AS position_based_revenue,
  sum(time_decay) AS time_decay,
  sum(time_decay * revenue::DOUBLE) AS time_decay_revenue,
  sum(shapley) AS shapley,
  sum(shapley * revenue::DOUBLE) AS shapley_revenue
FROM weighed
GROUP BY channel
