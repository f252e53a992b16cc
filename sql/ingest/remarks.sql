/*
description: "What a person should look at in a file that was loaded or rejected, and what stops nothing: statuses nobody knows, rows left out as totals, times that all have one offset. At most one remark a file and subject."
grain: [file_id, subject]
owner: team:data
columns:
  file_id: {type: VARCHAR, meaning: File the remark is about (ingest.files)}
  subject: {type: VARCHAR, meaning: "What it is about, in one word or a few: unknown_status, blank_rows …"}
  rows:    {type: BIGINT, unit: data rows, nullable: true, min: 0, meaning: Rows of the file that it concerns; null if it concerns the file as a whole}
  message: {type: VARCHAR, meaning: "One sentence that says what was seen and what to do; shapes of cells only, never a cell"}
tests:
  every_remark_is_about_a_file: |
    SELECT remarks.file_id, remarks.subject
    FROM ingest.remarks AS remarks
    LEFT JOIN ingest.files AS files ON files.file_id = remarks.file_id
    WHERE files.file_id IS NULL
*/
