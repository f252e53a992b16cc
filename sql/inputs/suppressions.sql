/*
description: "Customers, addresses and numbers that nothing is sent to, whatever was consented to: bounced, complained, on a list of the shop. What was told again later counts from the first time on. Addresses and numbers stand in data/people alone. Empty if no such export was given."
place: 11
thing: suppression
key: [kind, entry, since]
newest_by: row
moment: since
changed_at: since
personal: true
columns:
  kind:   {type: VARCHAR, required: true, values: [customer_id, email, phone], meaning: "What is suppressed: a customer, an address, or a number"}
  entry:  {type: VARCHAR, required: true, length: [64, 64], keyed: true, meaning: "value under the home's key (HMAC-SHA-256): who has no key learns nothing from it"}
  value:  {type: VARCHAR, personal: true, meaning: "The customer's id, the address in lower case, or the number with the code of its country"}
  since:  {type: TIMESTAMP, required: true, meaning: "From when on, in the shop's time zone"}
filled:
  - {kind: lower(kind)}
  - {value: "CASE kind WHEN 'email' THEN lower(nfc_normalize(trim(value))) WHEN 'phone' THEN regexp_replace(regexp_replace(value, '[^0-9+]', '', 'g'), '^00', '+') ELSE value END"}
  - {entry: keyed(value)}
derived:
  since_on: {sql: CAST(since AS DATE), type: DATE, meaning: Local day of since}
rules:
  nothing_is_named:
    column: value
    fails: value IS NULL
    reason: is missing
  number_without_country:
    column: value
    fails: kind = 'phone' AND NOT regexp_full_match(value, '\+[1-9][0-9]{6,14}')
    reason: "is no number with the code of its country, such as +48600123456"
*/
