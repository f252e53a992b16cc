/*
description: "Customers the shop knows, whether they have ordered or not, each as the latest row tells it. Empty if no such export was given."
place: 2
thing: customer
key: [customer_id]
person: customer_id
newest_by: row
moment: registered_at
changed_at: updated_at
gives: leads
personal: true
columns:
  customer_id:   {type: VARCHAR, required: true, length: [1, 200], meaning: "Customer of the shop, as orders name it"}
  registered_at: {type: TIMESTAMP, meaning: "When the customer registered, in the shop's time zone; null if nobody knows"}
  updated_at:    {type: TIMESTAMP, meaning: "When the row was last changed, in the shop's time zone; of two rows, the later counts"}
derived:
  registered_on: {sql: CAST(registered_at AS DATE), type: DATE, nullable: true, meaning: Local day of registered_at}
*/
