/*
description: "The customers a shop knows, under our canonical names: one row per customer, whether it has ordered or not. Further columns, which are personal as a rule, are not taken over."
owner: team:data
raw:
  customer_id:   {required: true}
  registered_at: {required: true}
  updated_at:    {meaning: "When the row was last changed: of two rows, the later counts"}
  exported_at:   {meaning: "When the file was exported: tells it from older and newer exports"}
*/
SELECT row_number, customer_id, registered_at, updated_at, exported_at
FROM export
