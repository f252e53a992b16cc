/*
description: "Requests of erasure, under our canonical names: one row per customer, address or number. Anything else of a helpdesk's tickets is not taken over."
owner: team:data
raw:
  kind:         {required: true}
  value:        {required: true}
  requested_at: {required: true}
  exported_at:  {meaning: "When the file was exported: tells it from older and newer exports"}
*/
SELECT row_number, kind, CAST(NULL AS VARCHAR) AS entry, value, requested_at, exported_at
FROM export
