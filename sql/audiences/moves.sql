/*
title: Moves between groups
description: "Customers who moved to another group since the snapshot before: a file for each move that somebody made, in the folder moves those of the grid of ten, in axonaut_moves and trend_moves those of Axonaut's seven and of the activity trend. The first snapshot has none."
owner: team:crm
advice: "Who fell from a good group first, by revenue of 12 months. Where reason is time, a move down only says that there was no order since: look at usual_gap_days before writing. Where it is limits, they did nothing: leave them alone."
csv: true
each: [folder, move]
values: |
  SELECT DISTINCT
    CASE catalogue WHEN 'grid' THEN 'moves' WHEN 'axonaut' THEN 'axonaut_moves' ELSE 'trend_moves' END AS folder,
    coalesce(from_segment, 'newcomers') || '_to_' || to_segment AS move
  FROM marts.segment_events
  WHERE snapshot_date = $snapshot_date AND direction <> 'same'
value: revenue_12_months
columns:
  customer_id:            {type: VARCHAR, meaning: Customer of the shop}
  from_segment:           {type: VARCHAR, nullable: true, meaning: "Group on the previous snapshot date; null for a new customer"}
  to_segment:             {type: VARCHAR, meaning: Group on the snapshot date}
  direction:              {type: VARCHAR, meaning: "better, worse, entered (a new customer, or one with a trend at last) or left (has a trend no more)"}
  reason:                 {type: VARCHAR, nullable: true, meaning: "order, time (none since), correction (a return, or orders that came late) or limits (they did nothing, but a limit between scores moved); null for the activity trend"}
  previous_snapshot_date: {type: DATE, meaning: The snapshot compared with}
  revenue_12_months:
  stage:                  {type: VARCHAR, nullable: true, meaning: Lifecycle stage}
  activity_trend:
  recency_days:
  usual_gap_days:         {type: DOUBLE, unit: days, nullable: true, min: 0, meaning: Median number of days between orders; null before the second}
  orders:
  predicted_clv:
  churn_probability:
  churn_horizon_days:
  p_purchase_30d:
  p_purchase_90d:
  next_purchase_from:
  next_purchase_median:
  next_purchase_to:
*/
SELECT
  CASE events.catalogue WHEN 'grid' THEN 'moves' WHEN 'axonaut' THEN 'axonaut_moves' ELSE 'trend_moves' END AS folder,
  coalesce(events.from_segment, 'newcomers') || '_to_' || events.to_segment AS move,
  events.customer_id,
  events.from_segment,
  events.to_segment,
  events.direction,
  events.reason,
  events.previous_snapshot_date,
  events.revenue_12_months,
  whole.stage,
  whole.activity_trend,
  whole.recency_days,
  whole.median_gap_days AS usual_gap_days,
  whole.orders,
  whole.predicted_clv,
  whole.churn_probability,
  whole.churn_horizon_days,
  whole.p_purchase_30d,
  whole.p_purchase_90d,
  whole.next_purchase_from,
  whole.next_purchase_median,
  whole.next_purchase_to
FROM marts.segment_events AS events
LEFT JOIN marts.customer_360 AS whole USING (snapshot_date, customer_id)
WHERE events.snapshot_date = $snapshot_date AND events.direction <> 'same'
