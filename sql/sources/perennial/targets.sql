/*
description: "What a shop wants its key figures to be, under our canonical names: one row per key figure and period."
owner: team:data
raw:
  kpi:        {required: true}
  period:     {required: true}
  value:      {required: true}
  updated_at: {}
*/
SELECT row_number, kpi, period, value, updated_at
FROM export
