/*
title: Reachable by channel
description: "Customers who have consented to marketing by e-mail, by SMS and by push at the end of the day, as the consents tell; customers of whom nothing is told are in none."
owner: team:crm
advice: "The consent is that of the day: make the file anew for every sending."
catalogue: reachable
each: channel
values: |
  SELECT channel FROM (VALUES ('email'), ('sms'), ('push')) AS listed (channel)
  WHERE EXISTS (SELECT 1 FROM marts.engagement WHERE snapshot_date = $snapshot_date AND email_consent IS NOT NULL)
columns:
  customer_id:    {type: VARCHAR, meaning: Customer of the shop}
  level:          {type: VARCHAR, meaning: "How engaged the customer is: engaged, lapsing, dormant, never, too_new"}
  last_action_on: {type: DATE, nullable: true, meaning: "Last day on which the customer opened, clicked or visited"}
  is_best:        {type: BOOLEAN, meaning: Whether it is the best channel to write to the customer by}
*/
SELECT
  channels.channel,
  engagement.customer_id,
  engagement.level,
  engagement.last_action_on,
  engagement.best_contact_channel = channels.channel AS is_best
FROM marts.engagement AS engagement
CROSS JOIN (VALUES ('email'), ('sms'), ('push')) AS channels (channel)
WHERE engagement.snapshot_date = $snapshot_date
  AND CASE channels.channel
    WHEN 'email' THEN engagement.email_consent
    WHEN 'sms' THEN engagement.sms_consent
    ELSE engagement.push_consent
  END
