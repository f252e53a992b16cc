/*
description: "What a shop wants its key figures to be, under our canonical names: one row per key figure and period."
owner: team:data
raw:
  kpi:        {required: true}
  period:     {required: true}
  value:      {required: true}
  updated_at: {}
  exported_at: {meaning: "When the file was exported: tells it from older and newer exports"}
*/
SELECT row_number, kpi, period, value, updated_at, exported_at
FROM export
