/*
description: "Whom to act on, each customer in one action only: the first that applies, in the order of priority. History: since when depends on the earlier partitions, whose date each row names."
grain: [snapshot_date, customer_id]
owner: team:crm
columns:
  snapshot_date:          {type: DATE, meaning: The day whose end the row describes}
  customer_id:            {type: VARCHAR, meaning: Customer of the shop}
  action:                 {type: VARCHAR, values: [premium_alert, overdue, cant_lose, at_risk, repeat_due, second_order, rising, new_this_week], meaning: "What is to be done (marts.action_list); of several the one of the lowest priority number"}
  priority:               {type: INTEGER, min: 1, max: 8, meaning: "Place of the action in the order in which it is asked for, 1 first"}
  since:                  {type: DATE, meaning: First snapshot since which the customer has stood in the action}
  previous_action:        {type: VARCHAR, nullable: true, values: [premium_alert, overdue, cant_lose, at_risk, repeat_due, second_order, rising, new_this_week], meaning: "Action on the snapshot compared with; null for who stood in none, and on the first"}
  previous_snapshot_date: {type: DATE, nullable: true, meaning: Latest earlier snapshot on which anybody stood in an action; null on the first}
  stage:                  {type: VARCHAR, values: [first-time, active, defecting, inactive], meaning: Lifecycle stage}
  value_at_stake:         {type: DOUBLE, unit: currency, nullable: true, meaning: "What the move of the stage is worth × the share that makes it in 90 days (marts.lifecycle_moves), shared out among the customers of the stage by their own predicted value; among active ones, who are to be kept, by predicted value × probability not to buy within 90 days. What may be won, or saved: an upper limit. Null where no value is predicted, or fewer than 30 customers stand behind it"}
  most_to_spend:          {type: DOUBLE, unit: currency, nullable: true, meaning: "Most that may be spent on the customer: what a contact with the stage caused where campaigns measured it, else value_at_stake"}
  cost_basis:             {type: VARCHAR, nullable: true, values: [measured, at most], meaning: "Which of the two; null where nothing is said"}
tests:
  everybody_in_the_first_action_that_applies: |
    SELECT members.customer_id, members.action
    FROM marts.action_members AS members
    JOIN marts.premium_alerts AS alerts
      ON alerts.customer_id = members.customer_id AND alerts.snapshot_date = $snapshot_date
    WHERE members.snapshot_date = $snapshot_date AND members.action <> 'premium_alert'
  new_customers_are_in_an_action: |
    SELECT summary.customer_id
    FROM marts.customer_summary AS summary
    LEFT JOIN marts.action_members AS members
      ON members.customer_id = summary.customer_id AND members.snapshot_date = $snapshot_date
    WHERE summary.snapshot_date = $snapshot_date
      AND summary.first_purchase_on > $snapshot_date - 7
      AND members.customer_id IS NULL
*/
WITH customers AS (
  SELECT
    summary.customer_id,
    summary.occasions,
    summary.recency_days,
    summary.median_gap_days,
    summary.first_purchase_on,
    stages.stage,
    CASE WHEN stages.stage = 'active' THEN clv.predicted_clv * (1 - churn.p_purchase_90d) ELSE clv.predicted_clv END
      AS weight,
    now.p_purchase_90d,
    earlier.p_purchase_90d AS p_purchase_90d_before
  FROM marts.customer_summary AS summary
  JOIN marts.lifecycle_stages AS stages
    ON stages.snapshot_date = $snapshot_date AND stages.customer_id = summary.customer_id
  LEFT JOIN marts.clv_predictions AS clv
    ON clv.snapshot_date = $snapshot_date AND clv.customer_id = summary.customer_id
  LEFT JOIN marts.churn_predictions AS churn
    ON churn.snapshot_date = $snapshot_date AND churn.customer_id = summary.customer_id
  LEFT JOIN marts.clv_before AS earlier
    ON earlier.snapshot_date = $snapshot_date AND earlier.customer_id = summary.customer_id
  -- Both days under the same model, as in premium_alerts: a drop is the customer's.
  LEFT JOIN marts.timing_predictions AS now
    ON now.snapshot_date = $snapshot_date
    AND now.as_of = $snapshot_date
    AND now.frequency = summary.frequency
    AND now.active_span_days = summary.active_span_days
    AND now.age_days = summary.age_days
  WHERE summary.snapshot_date = $snapshot_date
),
-- The days by which half and three quarters of those who order a second time have done so.
second_order AS (
  SELECT back_p50_days, back_p75_days
  FROM marts.key_moments
  WHERE snapshot_date = $snapshot_date
    AND order_number = 1 AND cohort = 'all' AND is_main = TRUE AND status = 'known'
),
candidates AS (
  SELECT customer_id, 'premium_alert' AS action, 1 AS priority
  FROM marts.premium_alerts
  WHERE snapshot_date = $snapshot_date
  UNION ALL
  SELECT customer_id, 'overdue' AS action, 2 AS priority
  FROM customers
  WHERE occasions >= 3
    AND median_gap_days >= 1
    AND recency_days > 1.5 * median_gap_days
    AND stage <> 'inactive'
    AND p_purchase_90d <= 0.7 * p_purchase_90d_before
  UNION ALL
  SELECT customer_id, segment AS action, CASE segment WHEN 'cant_lose' THEN 3 ELSE 4 END AS priority
  FROM marts.rfm_segments
  WHERE snapshot_date = $snapshot_date AND catalogue = 'grid' AND segment IN ('cant_lose', 'at_risk')
  UNION ALL
  SELECT due.customer_id, 'repeat_due' AS action, 5 AS priority
  FROM marts.replenishment_due AS due
  CROSS JOIN params.settings AS settings
  WHERE due.snapshot_date = $snapshot_date
    AND due.status = 'ok'
    AND due.probability_30d >= settings.audience_due_probability
  GROUP BY due.customer_id
  UNION ALL
  SELECT customers.customer_id, 'second_order' AS action, 6 AS priority
  FROM customers
  CROSS JOIN second_order
  WHERE customers.occasions = 1
    AND customers.recency_days BETWEEN second_order.back_p50_days AND second_order.back_p75_days
  UNION ALL
  SELECT customer_id, 'rising' AS action, 7 AS priority
  FROM marts.rising_customers
  WHERE snapshot_date = $snapshot_date
  UNION ALL
  SELECT customer_id, 'new_this_week' AS action, 8 AS priority
  FROM customers
  WHERE first_purchase_on > $snapshot_date - 7
),
placed AS (
  SELECT
    customer_id,
    action,
    priority,
    row_number() OVER (PARTITION BY customer_id ORDER BY priority) AS place
  FROM candidates
),
stage_weights AS (
  SELECT stage, avg(weight) AS mean_weight
  FROM customers
  GROUP BY stage
),
moves AS (
  SELECT
    moves.from_stage AS stage,
    CASE WHEN moves.status = 'ok' THEN moves.value_difference * moves.success_share END AS mean_at_stake,
    stage_weights.mean_weight,
    CASE WHEN moves.cost_basis = 'measured' THEN moves.most_to_spend END AS measured
  FROM marts.lifecycle_moves AS moves
  JOIN stage_weights ON stage_weights.stage = moves.from_stage
  WHERE moves.snapshot_date = $snapshot_date AND moves.horizon_days = 90
),
earlier AS (
  SELECT max(snapshot_date) AS snapshot_date
  FROM marts.action_members
  WHERE snapshot_date < $snapshot_date
),
previous AS (
  SELECT members.customer_id, members.action, members.since
  FROM marts.action_members AS members
  JOIN earlier ON earlier.snapshot_date = members.snapshot_date
),
valued AS (
  SELECT
    placed.customer_id,
    placed.action,
    placed.priority,
    customers.stage,
    moves.mean_at_stake * customers.weight / nullif(moves.mean_weight, 0) AS value_at_stake,
    moves.measured
  FROM placed
  JOIN customers ON customers.customer_id = placed.customer_id
  LEFT JOIN moves ON moves.stage = customers.stage
  WHERE placed.place = 1
)
SELECT
  $snapshot_date AS snapshot_date,
  valued.customer_id,
  valued.action,
  valued.priority,
  CASE WHEN previous.action = valued.action THEN previous.since ELSE $snapshot_date END AS since,
  previous.action AS previous_action,
  earlier.snapshot_date AS previous_snapshot_date,
  valued.stage,
  valued.value_at_stake,
  coalesce(valued.measured, valued.value_at_stake) AS most_to_spend,
  CASE
    WHEN valued.measured IS NOT NULL THEN 'measured'
    WHEN valued.value_at_stake IS NOT NULL THEN 'at most'
  END AS cost_basis
FROM valued
CROSS JOIN earlier
LEFT JOIN previous ON previous.customer_id = valued.customer_id
