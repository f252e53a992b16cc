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
  value:  {type: VARCHAR, personal: true, contact: kind, meaning: "The customer's id, the address or the number, written as those of customers are"}
  since:  {type: TIMESTAMP, required: true, meaning: "From when on, in the shop's time zone"}
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
  since_on: {sql: CAST(since AS DATE), type: DATE, meaning: Local day of since}
rules:
  nothing_is_named:
    column: value
    fails: value IS NULL
    reason: "names nobody: it is missing, or no e-mail address or telephone number that there can be; a number without the code of its country is one of the setting country. Mend it in the list and export that again"
in_doubt:
  of: [value]
  reads: {kind: customer_id}
  says: "{rows} of which the kind or the time cannot be read: what they name is suppressed all the same, as the id of a customer where the kind is not known. Mend them in the list and export it again"
*/
