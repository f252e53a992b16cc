/*
description: "Messages that were delivered to a customer up to the end of a day and those the customer clicked, by channel. A query for any day, not a table."
grain: [customer_id, channel]
owner: team:data
keep: true
columns:
  customer_id: {type: VARCHAR, meaning: Customer}
  channel:     {type: VARCHAR, meaning: "email, sms, push …; (none) where nobody says"}
  delivered:   {type: BIGINT, unit: messages, min: 1, meaning: Messages delivered}
  opened:      {type: BIGINT, unit: messages, min: 0, meaning: "Of these, opened by the customer, or clicked"}
  clicked:     {type: BIGINT, unit: messages, min: 0, meaning: "Of these, clicked by the customer"}
*/
SELECT
  customer_id,
  coalesce(channel, '(none)') AS channel,
  count(*) AS delivered,
  sum(opened) AS opened,
  sum(clicked) AS clicked
FROM features.message_outcomes
WHERE delivered = 1
GROUP BY customer_id, coalesce(channel, '(none)')
