/*
title: By best contact channel
description: "Customers by the channel with consent by which a click is likeliest, drawn towards the rate of everybody as far as customers do not differ. The 1 in 16 who are drawn by lot that day are in the audiences explore instead."
owner: team:crm
advice: "Write by this channel, and to the audiences explore by theirs: what they do shows whether the choice was right."
catalogue: contact_channel
each: channel
values: |
  SELECT channel FROM (VALUES ('email'), ('sms'), ('push')) AS listed (channel)
  WHERE EXISTS (SELECT 1 FROM marts.engagement WHERE snapshot_date = $snapshot_date AND email_consent IS NOT NULL)
columns:
  customer_id:    {type: VARCHAR, meaning: Customer of the shop}
  level:          {type: VARCHAR, meaning: "How engaged the customer is: engaged, lapsing, dormant, never, too_new"}
  last_action_on: {type: DATE, nullable: true, meaning: "Last day on which the customer opened, clicked or visited"}
  best_click_rate: {type: DOUBLE, unit: share, nullable: true, min: 0, max: 1, meaning: "Expected clicks per message by it; null where nobody was written to by it"}
*/
SELECT best_contact_channel AS channel, customer_id, level, last_action_on, best_click_rate
FROM marts.engagement
WHERE snapshot_date = $snapshot_date AND best_contact_channel IS NOT NULL AND NOT explore
