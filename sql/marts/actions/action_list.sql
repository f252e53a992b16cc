/*
description: "What to do this week, one row per action, ranked by what can be won or saved: who, how many, how many of them new to it, what is at stake, the most that may be spent on each, and a sentence of advice. A customer counts in one action only (marts.action_members). Where a table that an action needs is empty, the row says so and counts nobody."
grain: [snapshot_date, action]
owner: team:crm
columns:
  snapshot_date:          {type: DATE, meaning: The day whose end the row describes}
  action:                 {type: VARCHAR, values: [premium_alert, overdue, cant_lose, at_risk, repeat_due, second_order, rising, new_this_week], meaning: "What is to be done; also the name of its file, actions/<action>"}
  place:                  {type: INTEGER, min: 1, max: 8, meaning: "Order by value_at_stake, 1 is highest; what has no value after what has, by customers, what cannot be told last"}
  priority:               {type: INTEGER, min: 1, max: 8, meaning: "Order in which customers are given to actions, 1 first"}
  label:                  {type: VARCHAR, meaning: Name to show}
  who:                    {type: VARCHAR, meaning: Who these customers are}
  advice:                 {type: VARCHAR, meaning: What to do about them}
  status:                 {type: VARCHAR, values: [ok, insufficient data], meaning: "insufficient data: a table the action needs is empty, so nobody is counted"}
  needs:                  {type: VARCHAR, nullable: true, meaning: "What is lacking then, in words"}
  customers:              {type: BIGINT, unit: customers, nullable: true, min: 0, meaning: Customers of the action; null where that cannot be told}
  new_customers:          {type: BIGINT, unit: customers, nullable: true, min: 0, meaning: "Of these, who did not stand in it on the snapshot compared with; null on the first"}
  previous_snapshot_date: {type: DATE, nullable: true, meaning: That snapshot}
  valued:                 {type: BIGINT, unit: customers, min: 0, meaning: Customers with a value at stake}
  value_at_stake:         {type: DOUBLE, unit: currency, nullable: true, meaning: "What may be won or saved in 90 days: sum over those valued; null where nobody is, though there are customers. An upper limit"}
  most_to_spend:          {type: DOUBLE, unit: currency, nullable: true, meaning: "Most that may be spent on each, in the mean of those of whom it is known"}
  cost_basis:             {type: VARCHAR, nullable: true, values: [measured, measured in part, at most], meaning: "measured: what contacts caused in campaigns with a control group, of all or of some of them; at most: the upper limit; null where nothing is said"}
tests:
  all_actions_are_there: |
    SELECT count(*) AS actions FROM marts.action_list WHERE snapshot_date = $snapshot_date HAVING count(*) <> 8
  every_member_is_counted_once: |
    SELECT coalesce(sum(customers), 0) AS customers
    FROM marts.action_list
    WHERE snapshot_date = $snapshot_date
    HAVING coalesce(sum(customers), 0) <> (
      SELECT count(*) FROM marts.action_members AS members WHERE members.snapshot_date = $snapshot_date
    )
  priorities_are_those_of_the_members: |
    SELECT members.action, members.priority
    FROM marts.action_members AS members
    JOIN marts.action_list AS listed
      ON listed.action = members.action AND listed.snapshot_date = $snapshot_date
    WHERE members.snapshot_date = $snapshot_date AND listed.priority <> members.priority
*/
WITH catalogue AS (
  SELECT action, priority, label, who, advice
  FROM (
    VALUES
      ('premium_alert', 1, 'Premium customers losing interest',
       'The most valuable tenth, whose chance of an order has fallen by 30% or more in 30 days.',
       'Call those with most at stake today, and write to the others personally; no discount yet.'),
      ('overdue', 2, 'Overdue by their own rhythm',
       'Silent for more than 1.5 times their usual gap, and their chance of an order has fallen by 30% or more in 30 days.',
       'Remind them of what they usually buy before any discount; they are late, not lost.'),
      ('cant_lose', 3, 'Cannot lose',
       'Bought most often, but long ago.',
       'Call those with most at stake and write to the others personally: ask what went wrong, make it right.'),
      ('at_risk', 4, 'At risk',
       'Bought often, but long ago.',
       'Win back in two or three messages with growing offers, well below what is at stake.'),
      ('repeat_due', 5, 'Due to buy an item again',
       'Likely to buy a product or category again within 30 days.',
       'Remind them; the file names the product or category for each customer.'),
      ('second_order', 6, 'Due for a second order',
       'One order, so long ago that half of those who come back are back, and three quarters are not yet.',
       'Remind them with what goes well with their first order, and give a date to come back by.'),
      ('rising', 7, 'Rising',
       'Predicted value in the top tenth, what they spent so far is not.',
       'Look after them now: early access, help, a second category; no discount is needed.'),
      ('new_this_week', 8, 'New this week',
       'First order in the last seven days.',
       'Welcome them, help with the first product, and say what comes next.')
  ) AS listed (action, priority, label, who, advice)
),
found AS (
  SELECT
    (SELECT count(*) FROM marts.customer_summary WHERE snapshot_date = $snapshot_date) AS customers,
    (SELECT count(*) FROM marts.clv_before WHERE snapshot_date = $snapshot_date) AS valued_before,
    (SELECT count(predicted_clv) FROM marts.clv_predictions WHERE snapshot_date = $snapshot_date) AS valued,
    (SELECT count(*) FROM marts.rfm_segments WHERE snapshot_date = $snapshot_date) AS segmented,
    (
      SELECT count(probability_30d) FROM marts.replenishment_due
      WHERE snapshot_date = $snapshot_date AND status = 'ok'
    ) AS watched,
    (
      SELECT count(back_p75_days) FROM marts.key_moments
      WHERE snapshot_date = $snapshot_date
        AND order_number = 1 AND cohort = 'all' AND is_main = TRUE AND status = 'known'
    ) AS moments
),
judged AS (
  SELECT
    catalogue.action,
    catalogue.priority,
    catalogue.label,
    catalogue.who,
    catalogue.advice,
    CASE
      WHEN found.customers = 0 THEN 'customers'
      WHEN catalogue.action IN ('premium_alert', 'overdue') AND found.valued_before = 0 THEN 'predictions for 30 days ago'
      WHEN catalogue.action IN ('cant_lose', 'at_risk') AND found.segmented = 0 THEN 'segments'
      WHEN catalogue.action = 'repeat_due' AND found.watched = 0 THEN 'items bought again often enough to learn from'
      WHEN catalogue.action = 'second_order' AND found.moments = 0 THEN 'second orders, watched long enough'
      WHEN catalogue.action = 'rising' AND found.valued = 0 THEN 'predicted values'
    END AS needs
  FROM catalogue
  CROSS JOIN found
),
counted AS (
  SELECT
    action,
    count(*) AS customers,
    sum(CASE WHEN since = $snapshot_date THEN 1 ELSE 0 END)::BIGINT AS new_customers,
    count(value_at_stake) AS valued,
    sum(value_at_stake) AS value_at_stake,
    avg(most_to_spend) AS most_to_spend,
    sum(CASE WHEN cost_basis = 'measured' THEN 1 ELSE 0 END)::BIGINT AS measured,
    count(cost_basis) AS with_basis
  FROM marts.action_members
  WHERE snapshot_date = $snapshot_date
  GROUP BY action
),
compared AS (
  SELECT max(previous_snapshot_date) AS previous_snapshot_date
  FROM marts.action_members
  WHERE snapshot_date = $snapshot_date
),
told AS (
  SELECT
    judged.action,
    judged.priority,
    judged.label,
    judged.who,
    judged.advice,
    CASE WHEN judged.needs IS NULL THEN 'ok' ELSE 'insufficient data' END AS status,
    judged.needs,
    CASE WHEN judged.needs IS NULL THEN coalesce(counted.customers, 0) END AS customers,
    CASE
      WHEN judged.needs IS NULL AND compared.previous_snapshot_date IS NOT NULL THEN coalesce(counted.new_customers, 0)
    END AS new_customers,
    compared.previous_snapshot_date,
    coalesce(counted.valued, 0) AS valued,
    CASE
      WHEN judged.needs IS NOT NULL THEN NULL
      WHEN counted.customers IS NULL THEN 0.0
      ELSE counted.value_at_stake
    END AS value_at_stake,
    counted.most_to_spend,
    CASE
      WHEN counted.measured > 0 AND counted.measured = counted.customers THEN 'measured'
      WHEN counted.measured > 0 THEN 'measured in part'
      WHEN counted.with_basis > 0 THEN 'at most'
    END AS cost_basis
  FROM judged
  CROSS JOIN compared
  LEFT JOIN counted ON counted.action = judged.action
)
SELECT
  $snapshot_date AS snapshot_date,
  action,
  row_number() OVER (
    ORDER BY
      CASE WHEN status = 'ok' THEN 0 ELSE 1 END,
      CASE WHEN customers > 0 THEN 0 ELSE 1 END,
      value_at_stake DESC NULLS LAST,
      customers DESC NULLS LAST,
      priority
  )::INTEGER AS place,
  priority,
  label,
  who,
  advice,
  status,
  needs,
  customers,
  new_customers,
  previous_snapshot_date,
  valued,
  value_at_stake,
  most_to_spend,
  cost_basis
FROM told
