/*
description: "Consents given and taken back, each with the customer that orders know: who is known by an e-mail address alone is the customer with that address, if there is exactly one; what is taken back by the address of several is taken back by each (ingest.aliases). A query for any day, not a table."
grain: [customer_id, purpose, channel, status, changed_at]
owner: team:data
columns:
  customer_id: {type: VARCHAR, meaning: Customer of the shop}
  purpose:     {type: VARCHAR, meaning: As in staging.consents}
  channel:     {type: VARCHAR, meaning: As in staging.consents}
  status:      {type: VARCHAR, meaning: As in staging.consents}
  changed_at:  {type: TIMESTAMP, meaning: "When, in the shop's time zone"}
  changed_on:  {type: DATE, meaning: Local day of it}
*/
SELECT
  coalesce(aliases.customer_id, consents.customer_id) AS customer_id,
  consents.purpose,
  consents.channel,
  consents.status,
  consents.changed_at,
  consents.changed_on
FROM staging.consents AS consents
LEFT JOIN ingest.aliases AS aliases
  ON aliases.alias_id = consents.customer_id AND (aliases.customers = 1 OR consents.status <> 'granted')
