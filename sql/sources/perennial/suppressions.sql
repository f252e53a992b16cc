/*
description: "What nothing is sent to, under our canonical names: one row per customer, address or number. Reasons, which may tell of people, are not taken over."
owner: team:data
raw:
  kind:        {required: true}
  value:       {required: true}
  since:       {required: true}
  exported_at: {meaning: "When the file was exported: tells it from older and newer exports"}
*/
SELECT row_number, kind, CAST(NULL AS VARCHAR) AS entry, value, since, exported_at
FROM export
