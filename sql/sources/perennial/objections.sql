/*
description: "Objections to direct marketing, under our canonical names: one row per customer."
owner: team:data
raw:
  customer_id: {required: true}
  since:       {required: true}
  exported_at: {meaning: "When the file was exported: tells it from older and newer exports"}
*/
SELECT row_number, customer_id, since, exported_at
FROM export
