/*
description: "Orders and revenue that each model ascribes to the channels that visits came by in the 30 days before, and what is left to none: in every additive model, channels and (none) together have all orders that stand, once. Ascribed, not caused: customers who were going to buy come by some channel in any case. Models differ in what they ascribe, none of them in what is known. Empty without visits of customers in web_events."
grain: [snapshot_date, channel, model]
owner: team:crm
computed_by: attribution
reads: [staging.web_events, staging.order_lines, staging.orders, marts.order_channels, ingest.aliases]
columns:
  snapshot_date:       {type: DATE, meaning: The day whose end the row describes}
  channel:             {type: VARCHAR, meaning: "Marketing channel, by the rules of marts.order_channels; (none): orders that the model ascribes to no channel"}
  model:
    type: VARCHAR
    values: [last_touch, first_touch, linear, position_based, time_decay, as_recorded, after_action, markov1, shapley]
    meaning: "How orders are given to channels. last_touch, first_touch: all to the last, the first visit. linear: evenly over the visits. position_based: 0.4 to the first and the last, the rest between. time_decay: half as much per 7 days. as_recorded: the order's own channel, whatever visits there were. after_action: all of it to every channel in the path. markov1: by how many orders a chain of visits would lose without the channel. shapley: evenly over the channels in the path. markov1 and shapley from 1,000 paths with an order on, and only where there are paths without one"
  is_additive:         {type: BOOLEAN, meaning: "Whether every order is given away once. false: rows must not be added up"}
  causal_status:       {type: VARCHAR, values: ["attributed, not causal"], meaning: "What the figures say: no model knows which orders would have come anyway"}
  paths:               {type: BIGINT, unit: orders, min: 0, meaning: "Orders with a visit by the channel in their path, the same in each model; of (none), orders without a path"}
  paths_without_order: {type: BIGINT, unit: paths, nullable: true, min: 0, meaning: "Paths with the channel that no order followed within 30 days, so far; null for (none)"}
  conversions:         {type: DOUBLE, unit: orders, min: 0, meaning: "Orders ascribed, parts of orders added up"}
  revenue:             {type: DOUBLE, unit: currency, meaning: "Their sales and charges less what was paid back by the snapshot date, each by the part that is ascribed"}
  revenue_exact:       {type: "DECIMAL(18,2)", unit: currency, nullable: true, meaning: "The same to the cent; null for models that split orders"}
  removal:             {type: DOUBLE, nullable: true, min: 0, max: 1, meaning: "Of markov1: share of the orders that the chain would lose if every visit by the channel were lost; else null"}
tests:
  no_order_is_given_away_twice: |
    SELECT given.model, given.conversions, of_all.orders, given.revenue, given.revenue_exact, of_all.revenue AS of_all
    FROM (
      SELECT
        model,
        sum(conversions) AS conversions,
        sum(revenue) AS revenue,
        sum(revenue_exact) AS revenue_exact,
        count(revenue_exact) AS exact_rows
      FROM marts.channel_attribution
      WHERE snapshot_date = $snapshot_date AND is_additive = TRUE
      GROUP BY model
    ) AS given
    CROSS JOIN (
      SELECT count(*) AS orders, coalesce(sum(revenue), 0) AS revenue
      FROM marts.order_channels
      WHERE snapshot_date = $snapshot_date
    ) AS of_all
    WHERE abs(given.conversions - of_all.orders) > 0.000001 * of_all.orders
      OR abs(given.revenue - of_all.revenue::DOUBLE) > 0.005 + 0.000001 * abs(of_all.revenue::DOUBLE)
      OR given.exact_rows > 0 AND given.revenue_exact <> of_all.revenue
  no_channel_has_more_than_its_paths: |
    SELECT channel, model, paths, conversions
    FROM marts.channel_attribution
    WHERE snapshot_date = $snapshot_date
      AND channel <> '(none)'
      AND model NOT IN ('as_recorded', 'markov1')
      AND conversions > paths * 1.000001
*/
