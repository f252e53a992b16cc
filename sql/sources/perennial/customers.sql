/*
description: "The customers a shop knows, under our canonical names: one row per customer, whether it has ordered or not. Further columns, which are personal as a rule, are not taken over."
owner: team:data
raw:
  customer_id:   {required: true}
  registered_at: {required: true}
*/
SELECT row_number, customer_id, registered_at
FROM export
