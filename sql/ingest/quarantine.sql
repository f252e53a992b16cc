/*
description: Rows of exports that do not fit the contract, with their text and all reasons, until a mended export comes.
grain: [file_id, row_number]
owner: team:data
columns:
  file_id:    {type: VARCHAR, meaning: File the row came in (ingest.files)}
  row_number: {type: BIGINT, unit: data rows, min: 1, meaning: "Position of the row in the file, the header not counted"}
  reasons:    {type: VARCHAR, meaning: "All reasons why the row does not fit, separated by '; '"}
  raw:        {type: VARCHAR, meaning: "The row as it stood in the file: its text, or JSON of its columns"}
*/
