/*
description: "What campaigns earned by their cost, on two bases that answer different questions: what they caused, where that is known, and what the last click ascribes to them, much of which would have come anyway. A campaign is worth it only if even the lower limit of what it caused is above its cost."
grain: [snapshot_date, campaign_id, basis]
owner: team:crm
columns:
  snapshot_date:      {type: DATE, meaning: The day whose end the row describes}
  campaign_id:        {type: VARCHAR, meaning: Campaign}
  basis:              {type: VARCHAR, values: [incremental, attributed], meaning: "incremental: what it caused by marts.campaign_uplift. attributed: what the last click before an order ascribes to it in marts.campaign_performance, which is no effect"}
  status:             {type: VARCHAR, values: [known, running, srm_failed, no_control, attributed], meaning: "Of incremental as in marts.campaign_uplift: nothing but known has revenue. attributed: says nothing of causes"}
  is_final:           {type: BOOLEAN, meaning: "Whether the window and 14 days for refunds are over"}
  contacts:           {type: BIGINT, unit: customers, min: 0, meaning: Treated members}
  revenue:            {type: DOUBLE, unit: currency, nullable: true, meaning: "Revenue that it caused or is credited with, less refunds; null where that is not known"}
  revenue_low:        {type: DOUBLE, unit: currency, nullable: true, meaning: "Lower end of its 95 % interval; null for attributed"}
  revenue_high:       {type: DOUBLE, unit: currency, nullable: true, meaning: Upper end of it}
  margin:             {type: DOUBLE, min: 0, max: 1, meaning: "Share of revenue that is earned, clv.margin; 1 where it is not set"}
  is_gross:           {type: BOOLEAN, meaning: "Whether no margin is set, so that gain counts revenue as if all of it were earned"}
  gain:               {type: DOUBLE, unit: currency, nullable: true, meaning: revenue × margin}
  cost:               {type: DOUBLE, unit: currency, nullable: true, min: 0, meaning: "What it cost; null where the campaign does not tell, which is not 0"}
  profit:             {type: DOUBLE, unit: currency, nullable: true, meaning: "gain − cost; null without a cost"}
  profit_low:         {type: DOUBLE, unit: currency, nullable: true, meaning: The same with revenue_low}
  profit_high:        {type: DOUBLE, unit: currency, nullable: true, meaning: The same with revenue_high}
  roi:                {type: DOUBLE, nullable: true, meaning: "profit / cost: 0.5 is half as much again as was spent; null without a cost or with none to divide by"}
  orders:             {type: DOUBLE, unit: orders, nullable: true, meaning: Orders that it caused or is credited with}
  new_buyers:         {type: DOUBLE, unit: customers, nullable: true, meaning: "Those of its buyers who had never bought: caused, or credited with their first order"}
  cost_per_order:     {type: DOUBLE, unit: currency, nullable: true, min: 0, meaning: "cost / orders; null where there is not one order"}
  cost_per_new_buyer: {type: DOUBLE, unit: currency, nullable: true, min: 0, meaning: "cost / new_buyers; null where there is not one"}
  cost_per_contact:   {type: DOUBLE, unit: currency, nullable: true, min: 0, meaning: cost / contacts}
  allowable_basis:    {type: VARCHAR, nullable: true, values: [measured, at most], meaning: "Where allowable comes from. measured: what a contact caused. at most: without a control group, the most that any move up the lifecycle is worth within 30 days (marts.lifecycle_moves), as if the contact had made it. null for attributed, and where nothing can be said"}
  allowable:          {type: DOUBLE, unit: currency, nullable: true, meaning: "What a contact may cost at most: spend that it caused × margin"}
  allowable_low:      {type: DOUBLE, unit: currency, nullable: true, meaning: "Lower end of its 95 % interval; null unless measured"}
  allowable_high:     {type: DOUBLE, unit: currency, nullable: true, meaning: Upper end of it}
  worth_it:           {type: BOOLEAN, nullable: true, meaning: "Whether allowable_low is above cost_per_contact; false: that is not shown. null unless measured and with a cost"}
tests:
  each_campaign_once_on_each_basis: |
    SELECT uplift.campaign_id
    FROM marts.campaign_uplift AS uplift
    LEFT JOIN marts.campaign_roi AS roi
      ON roi.snapshot_date = $snapshot_date AND roi.campaign_id = uplift.campaign_id
    WHERE uplift.snapshot_date = $snapshot_date AND uplift.metric = 'spend'
    GROUP BY uplift.campaign_id
    HAVING count(roi.basis) <> 2
  caused_only_where_it_is_known: |
    SELECT campaign_id, status
    FROM marts.campaign_roi
    WHERE snapshot_date = $snapshot_date AND basis = 'incremental' AND status <> 'known' AND revenue IS NOT NULL
  worth_it_by_the_lower_limit: |
    SELECT campaign_id, worth_it, profit_low
    FROM marts.campaign_roi
    WHERE snapshot_date = $snapshot_date AND worth_it = TRUE AND (profit_low IS NULL OR profit_low < 0)
*/
WITH spend AS (
  SELECT campaign_id, status, is_final, treated, extra, extra_low, extra_high
  FROM marts.campaign_uplift
  WHERE snapshot_date = $snapshot_date AND metric = 'spend'
),
conversion AS (
  SELECT campaign_id, extra_orders, extra_new_buyers
  FROM marts.campaign_uplift
  WHERE snapshot_date = $snapshot_date AND metric = 'conversion'
),
first_orders AS (
  SELECT credits.campaign_id, count(DISTINCT orders.customer_id) AS new_buyers
  FROM marts.order_credits AS credits
  JOIN features.order_values AS orders ON orders.order_id = credits.order_id
  JOIN marts.customer_summary AS customers
    ON customers.snapshot_date = $snapshot_date
    AND customers.customer_id = orders.customer_id
    AND customers.first_purchase_on = orders.ordered_on
  WHERE credits.snapshot_date = $snapshot_date AND credits.eligibility = 'click' AND credits.last_touch = 1
  GROUP BY credits.campaign_id
),
bases AS (
  SELECT
    spend.campaign_id,
    'incremental' AS basis,
    spend.status,
    spend.is_final,
    spend.treated AS contacts,
    spend.extra AS revenue,
    spend.extra_low AS revenue_low,
    spend.extra_high AS revenue_high,
    conversion.extra_orders AS orders,
    conversion.extra_new_buyers AS new_buyers
  FROM spend
  JOIN conversion ON conversion.campaign_id = spend.campaign_id
  UNION ALL
  SELECT
    performance.campaign_id,
    'attributed' AS basis,
    'attributed' AS status,
    coalesce(performance.is_final, FALSE) AS is_final,
    coalesce(spend.treated, 0) AS contacts,
    performance.revenue,
    CAST(NULL AS DOUBLE) AS revenue_low,
    CAST(NULL AS DOUBLE) AS revenue_high,
    performance.orders,
    coalesce(first_orders.new_buyers, 0)::DOUBLE AS new_buyers
  FROM marts.campaign_performance AS performance
  LEFT JOIN spend ON spend.campaign_id = performance.campaign_id
  LEFT JOIN first_orders ON first_orders.campaign_id = performance.campaign_id
  WHERE performance.snapshot_date = $snapshot_date
    AND performance.model = 'last_touch'
    AND performance.eligibility = 'click'
    AND performance.campaign_id <> '(none)'
),
most AS (
  SELECT max(most_to_spend) AS of_any_move
  FROM marts.lifecycle_moves
  WHERE snapshot_date = $snapshot_date AND horizon_days = 30 AND status = 'ok'
),
priced AS (
  SELECT
    bases.campaign_id,
    bases.basis,
    bases.status,
    bases.is_final,
    bases.contacts,
    bases.revenue,
    bases.revenue_low,
    bases.revenue_high,
    coalesce(settings.clv_margin, 1.0) AS margin,
    settings.clv_margin IS NULL AS is_gross,
    bases.orders,
    bases.new_buyers,
    campaigns.cost::DOUBLE AS cost,
    CASE
      WHEN bases.basis = 'incremental' AND bases.revenue IS NOT NULL THEN 'measured'
      WHEN bases.status = 'no_control' AND most.of_any_move IS NOT NULL THEN 'at most'
    END AS allowable_basis,
    most.of_any_move
  FROM bases
  CROSS JOIN most
  CROSS JOIN params.settings AS settings
  LEFT JOIN staging.campaigns AS campaigns ON campaigns.campaign_id = bases.campaign_id
)
SELECT
  $snapshot_date AS snapshot_date,
  campaign_id,
  basis,
  status,
  is_final,
  contacts,
  revenue,
  revenue_low,
  revenue_high,
  margin,
  is_gross,
  revenue * margin AS gain,
  cost,
  revenue * margin - cost AS profit,
  revenue_low * margin - cost AS profit_low,
  revenue_high * margin - cost AS profit_high,
  (revenue * margin - cost) / nullif(cost, 0) AS roi,
  orders,
  new_buyers,
  CASE WHEN orders >= 1 THEN cost / nullif(orders, 0) END AS cost_per_order,
  CASE WHEN new_buyers >= 1 THEN cost / nullif(new_buyers, 0) END AS cost_per_new_buyer,
  cost / nullif(contacts, 0) AS cost_per_contact,
  allowable_basis,
  CASE allowable_basis
    WHEN 'measured' THEN revenue * margin / nullif(contacts, 0)
    WHEN 'at most' THEN of_any_move
  END AS allowable,
  CASE WHEN allowable_basis = 'measured' THEN revenue_low * margin / nullif(contacts, 0) END AS allowable_low,
  CASE WHEN allowable_basis = 'measured' THEN revenue_high * margin / nullif(contacts, 0) END AS allowable_high,
  CASE WHEN allowable_basis = 'measured' THEN revenue_low * margin > cost END AS worth_it
FROM priced
