/*
description: "Customers who object to direct marketing and to being profiled for it (art. 21 GDPR): from that day on they are in no audience, whatever they consented to, and still in all totals. Empty if no such export was given."
place: 10
thing: objection
key: [customer_id, since]
person: customer_id
newest_by: row
moment: since
changed_at: since
personal: true
columns:
  customer_id: {type: VARCHAR, required: true, length: [1, 200], meaning: "Customer of the shop, as orders name it"}
  since:       {type: TIMESTAMP, required: true, meaning: "When it was received, in the shop's time zone"}
in_doubt:
  of: [customer_id]
  says: "{rows} of which the time cannot be read: they count as objections all the same. Mend them in the shop and export them again"
derived:
  since_on: {sql: CAST(since AS DATE), type: DATE, meaning: Local day of since}
*/
