/*
description: "Consents given and withdrawn, under our canonical names: one row per change. Proofs and where it was said, which may hold addresses, are not taken over."
owner: team:data
raw:
  customer_id: {required: true}
  purpose:     {}
  channel:     {required: true}
  status:      {required: true}
  changed_at:  {required: true}
  exported_at: {meaning: "When the file was exported: tells it from older and newer exports"}
*/
SELECT row_number, customer_id, purpose, channel, status, changed_at, exported_at
FROM export
