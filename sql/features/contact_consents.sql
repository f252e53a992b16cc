/*
description: "Consent to marketing by e-mail, SMS and push as it is at the end of a day, of every customer of whom any such change is told: the latest change counts, of one second the withdrawal, and * takes back every channel. A query for any day, not a table."
grain: [customer_id, channel]
owner: team:data
keep: true
columns:
  customer_id: {type: VARCHAR, meaning: Customer}
  channel:     {type: VARCHAR, values: [email, sms, push], meaning: Channel}
  is_granted:  {type: INTEGER, min: 0, max: 1, meaning: "1 if there is consent; what nobody told of is not granted"}
*/
WITH channels AS (
  SELECT channel FROM (VALUES ('email'), ('sms'), ('push')) AS listed (channel)
),
latest AS (
  SELECT
    consents.customer_id,
    channels.channel,
    consents.status,
    row_number() OVER (
      PARTITION BY consents.customer_id, channels.channel ORDER BY consents.changed_at DESC, CASE consents.status WHEN 'withdrawn' THEN 1 WHEN 'granted' THEN 2 ELSE 3 END, consents.channel, consents.purpose
    ) AS place
  FROM features.customer_consents AS consents
  JOIN channels ON consents.channel = channels.channel OR consents.channel = '*'
  WHERE consents.purpose IN ('marketing', '*') AND consents.changed_on <= $snapshot_date
),
people AS (
  SELECT customer_id
  FROM latest
  GROUP BY customer_id
)
SELECT
  people.customer_id,
  channels.channel,
  CASE WHEN latest.status = 'granted' THEN 1 ELSE 0 END AS is_granted
FROM people
CROSS JOIN channels
LEFT JOIN latest ON latest.customer_id = people.customer_id AND latest.channel = channels.channel AND latest.place = 1
