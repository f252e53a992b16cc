/*
title: Activate
description: "Customers of whom neither much engagement nor a purchase is to be expected: lapsing, dormant or never engaged, though they may be written to, and with a chance of at least three quarters not to buy within the churn horizon."
owner: team:crm
advice: "Not the next newsletter. One message by the best contact channel that asks what they want or offers something new, with a control group; who does not react is written to seldom."
catalogue: engagement
each: audience
values: |
  SELECT 'activate' AS audience
  WHERE EXISTS (SELECT 1 FROM marts.engagement WHERE snapshot_date = $snapshot_date)
columns:
  customer_id:          {type: VARCHAR, meaning: Customer of the shop}
  level:                {type: VARCHAR, meaning: "lapsing: the last action is 91 to 180 days ago; dormant: longer; never: none though at least 3 messages were delivered"}
  last_action_on:       {type: DATE, nullable: true, meaning: "Last day on which the customer opened, clicked or visited"}
  churn_probability:    {type: DOUBLE, unit: share, min: 0, max: 1, meaning: Chance of no purchase within churn_horizon_days}
  churn_horizon_days:   {type: INTEGER, unit: days, min: 1, meaning: What that looks ahead}
  best_contact_channel: {type: VARCHAR, nullable: true, meaning: "Channel with consent that has the highest expected clicks; null where no consents are told of"}
  last_purchase_on:     {type: DATE, nullable: true, meaning: Day of the last purchase that stands}
*/
SELECT
  'activate' AS audience,
  engagement.customer_id,
  engagement.level,
  engagement.last_action_on,
  churn.churn_probability,
  churn.churn_horizon_days,
  engagement.best_contact_channel,
  engagement.last_purchase_on
FROM marts.engagement AS engagement
JOIN marts.churn_predictions AS churn USING (snapshot_date, customer_id)
WHERE engagement.snapshot_date = $snapshot_date
  AND engagement.level IN ('lapsing', 'dormant', 'never')
  AND churn.churn_probability >= 0.75
