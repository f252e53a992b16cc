/*
title: Actions
description: "Whom to act on this week, a file for each action of marts.action_list; everybody in one file only, the first that applies."
owner: team:crm
advice: "What to do with each is in marts.action_list and on the page Actions; those with the highest value at stake first."
csv: true
catalogue: actions
each: action
values: |
  SELECT action
  FROM (VALUES
    ('premium_alert'), ('overdue'), ('cant_lose'), ('at_risk'), ('repeat_due'), ('second_order'), ('rising'), ('new_this_week')
  ) AS listed (action)
value: value_at_stake
columns:
  customer_id:          {type: VARCHAR, meaning: Customer of the shop}
  priority:             {type: INTEGER, min: 1, max: 8, meaning: "Place of the action in the order in which it is asked for, 1 first"}
  since:                {type: DATE, meaning: First snapshot since which the customer has stood in the action}
  previous_action:      {type: VARCHAR, nullable: true, meaning: "Action on the snapshot before; null for who stood in none, and on the first"}
  value_at_stake:       {type: DOUBLE, unit: currency, nullable: true, meaning: "What may be won or saved in 90 days, an upper limit; null where it is not known"}
  most_to_spend:        {type: DOUBLE, unit: currency, nullable: true, meaning: Most that may be spent on the customer}
  due_item:             {type: VARCHAR, nullable: true, meaning: "Name of the product or category that the customer is likeliest to buy again within 30 days, at audiences.due_probability or more; null where there is none"}
  due_level:            {type: VARCHAR, nullable: true, meaning: "product or category: what it is"}
  stage:                {type: VARCHAR, meaning: Lifecycle stage}
  activity_trend:
  recency_days:         {type: BIGINT, unit: days, min: 0, meaning: Days since the last order}
  usual_gap_days:       {type: DOUBLE, unit: days, nullable: true, min: 0, meaning: Median number of days between orders; null before the second}
  orders:               {type: BIGINT, unit: orders, min: 1, meaning: Orders that stand}
  revenue_12_months:    {type: "DECIMAL(18,2)", unit: currency, meaning: Revenue of the last 365 days}
  predicted_clv:
  churn_probability:
  churn_horizon_days:
  p_purchase_30d:
  p_purchase_90d:
  next_purchase_from:
  next_purchase_median:
  next_purchase_to:
*/
WITH due AS (
  SELECT
    due.customer_id,
    due.level,
    coalesce(names.label, due.item) AS label,
    row_number() OVER (
      PARTITION BY due.customer_id ORDER BY due.probability_30d DESC, due.purchases DESC, due.level DESC, due.item
    ) AS place
  FROM marts.replenishment_due AS due
  LEFT JOIN marts.product_names AS names
    ON names.snapshot_date = due.snapshot_date AND names.product_id = due.item AND due.level = 'product'
  WHERE due.snapshot_date = $snapshot_date
    AND due.probability_30d >= (SELECT audience_due_probability FROM params.settings)
)
SELECT
  members.action,
  members.customer_id,
  members.priority,
  members.since,
  members.previous_action,
  members.value_at_stake,
  members.most_to_spend,
  due.label AS due_item,
  due.level AS due_level,
  members.stage,
  whole.activity_trend,
  whole.recency_days,
  whole.median_gap_days AS usual_gap_days,
  whole.orders,
  whole.revenue_12_months,
  whole.predicted_clv,
  whole.churn_probability,
  whole.churn_horizon_days,
  whole.p_purchase_30d,
  whole.p_purchase_90d,
  whole.next_purchase_from,
  whole.next_purchase_median,
  whole.next_purchase_to
FROM marts.action_members AS members
JOIN marts.customer_360 AS whole USING (snapshot_date, customer_id)
LEFT JOIN due ON due.customer_id = members.customer_id AND due.place = 1
WHERE members.snapshot_date = $snapshot_date
