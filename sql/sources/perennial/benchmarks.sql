/*
description: "Key figures of sectors to compare a shop with, under our canonical names: one row per sector, key figure and period."
owner: team:data
raw:
  sector:     {required: true}
  kpi:        {required: true}
  period:     {required: true}
  value:      {required: true}
  updated_at: {}
  exported_at: {meaning: "When the file was exported: tells it from older and newer exports"}
*/
SELECT row_number, sector, kpi, period, value, updated_at, exported_at
FROM export
