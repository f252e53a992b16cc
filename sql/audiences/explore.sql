/*
title: By a channel drawn by lot
description: "1 in 16 customers with consent to a channel, drawn anew each day, by a channel with consent that is drawn as well."
owner: team:crm
advice: "Write by this channel instead of the best one. Without it nobody would ever learn how customers react in the others."
catalogue: explore
each: channel
values: |
  SELECT channel FROM (VALUES ('email'), ('sms'), ('push')) AS listed (channel)
  WHERE EXISTS (SELECT 1 FROM marts.engagement WHERE snapshot_date = $snapshot_date AND email_consent IS NOT NULL)
columns:
  customer_id:    {type: VARCHAR, meaning: Customer of the shop}
  level:          {type: VARCHAR, meaning: "How engaged the customer is: engaged, lapsing, dormant, never, too_new"}
  last_action_on: {type: DATE, nullable: true, meaning: "Last day on which the customer opened, clicked or visited"}
  best_contact_channel: {type: VARCHAR, meaning: "Channel that would have been chosen"}
*/
SELECT explore_channel AS channel, customer_id, level, last_action_on, best_contact_channel
FROM marts.engagement
WHERE snapshot_date = $snapshot_date AND explore AND explore_channel IS NOT NULL
