/*
description: "Requests of customers to be forgotten (art. 17 GDPR), each until it was worked through by perennial forget; nothing is sent to who made one. Whom they name stands in data/people alone. Empty if no such export was given."
place: 12
thing: request of erasure
key: [kind, entry, requested_at]
newest_by: row
moment: requested_at
changed_at: requested_at
personal: true
columns:
  kind:         {type: VARCHAR, required: true, values: [customer_id, email, phone], meaning: "What value is: the id of a customer, an address, or a number"}
  entry:        {type: VARCHAR, required: true, length: [64, 64], keyed: true, meaning: "value under the home's key (HMAC-SHA-256): who has no key learns nothing from it"}
  value:        {type: VARCHAR, personal: true, contact: kind, meaning: "The customer's id, the address or the number, written as those of customers are"}
  requested_at: {type: TIMESTAMP, required: true, meaning: "When it was received, in the shop's time zone; it is due a month later"}
filled:
  - kind: >-
      CASE
      WHEN regexp_replace(lower(kind), '[^a-z]', '', 'g') IN ('email', 'mail', 'emailaddress', 'address') THEN 'email'
      WHEN regexp_replace(lower(kind), '[^a-z]', '', 'g') IN ('phone', 'phonenumber', 'telephone', 'tel', 'telefon', 'mobile', 'number', 'sms', 'msisdn') THEN 'phone'
      WHEN regexp_replace(lower(kind), '[^a-z]', '', 'g') IN ('customerid', 'customer', 'clientid', 'userid', 'id') THEN 'customer_id'
      WHEN contains(value, '@') THEN 'email'
      ELSE lower(kind) END
  - {entry: "keyed(coalesce(value, ''))"}
derived:
  requested_on: {sql: CAST(requested_at AS DATE), type: DATE, meaning: Local day of requested_at}
rules:
  nothing_is_named:
    column: value
    fails: value IS NULL
    reason: "names nobody: it is missing, or no e-mail address or telephone number that there can be; a number without the code of its country is one of the setting country. Mend it in the list and export that again"
in_doubt:
  of: [value]
  reads: {kind: customer_id}
  says: "{rows} of which the kind or the time cannot be read: they count as requests all the same, of the customer with that id where the kind is not known. Mend them in the list and export it again"
*/
