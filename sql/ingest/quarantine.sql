/*
description: "Rows of exports that do not fit the contract, with all reasons, until a corrected export comes. Their text stands in data/quarantine and nowhere else."
grain: [file_id, row_number]
owner: team:data
columns:
  file_id:    {type: VARCHAR, meaning: File the row came in (ingest.files)}
  row_number: {type: BIGINT, unit: data rows, min: 1, meaning: "Position of the row in the file, the header not counted"}
  reasons:    {type: VARCHAR, meaning: "All reasons why the row does not fit, separated by '; '; shapes of cells, never a cell"}
*/
