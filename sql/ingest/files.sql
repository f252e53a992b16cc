/*
description: Ledger of export files. Every row of a file is accepted, quarantined, superseded or a duplicate.
grain: [file_id]
owner: team:data
columns:
  file_id:      {type: VARCHAR, meaning: "Identity of the file: hash of its content and its source"}
  sha256:       {type: VARCHAR, meaning: SHA-256 of the file's bytes}
  source:       {type: VARCHAR, meaning: Source whose SQL maps the file}
  input:        {type: VARCHAR, meaning: Canonical input the file was mapped to}
  path:         {type: VARCHAR, meaning: "Where the file was when it was loaded, relative to the home if inside it"}
  mapping:      {type: VARCHAR, meaning: "Hash of the source's SQL, the contract and the ingest settings; another value reloads the file"}
  status:       {type: VARCHAR, meaning: "loaded, or rejected because too large a share did not fit", values: [loaded, rejected]}
  rows_read:    {type: BIGINT, unit: rows, min: 0, meaning: Data rows in the file}
  accepted:     {type: BIGINT, unit: rows, min: 0, meaning: "Rows that stand in the staging table of the input"}
  lines:        {type: BIGINT, unit: lines, min: 0, meaning: "Lines the accepted rows have become; more than rows where a row also holds postage or a refund"}
  quarantined:  {type: BIGINT, unit: rows, min: 0, meaning: Rows quarantined in ingest.quarantine}
  superseded:   {type: BIGINT, unit: rows, min: 0, meaning: "Rows of orders, customers, targets … that a newer export, or a later row of the file itself, holds"}
  duplicates:   {type: BIGINT, unit: rows, min: 0, meaning: "Copies inside the file that were dropped"}
  without_customer: {type: BIGINT, unit: rows, min: 0, meaning: Accepted rows that name no customer}
  first_ordered_at: {type: TIMESTAMP, nullable: true, meaning: "Earliest order time among the rows that fit, shop time; null if these are no orders"}
  last_ordered_at:  {type: TIMESTAMP, nullable: true, meaning: "Latest order time among the rows that fit, shop time; null if these are no orders"}
  exported_at:  {type: TIMESTAMP, nullable: true, meaning: "When the file says that it was exported, by a column or its name, shop time; null if it does not, and then its arrival counts"}
  latest_at:    {type: TIMESTAMP, nullable: true, meaning: "Latest time of a row that fits and is not dated after the file arrived, shop time: tells apart files that arrived together"}
  id_key:       {type: VARCHAR, nullable: true, meaning: "By what the key is known that ids of e-mail addresses in this file were made with; null where the source makes none"}
  decimal:      {type: VARCHAR, nullable: true, meaning: "Decimal sign that the file itself shows; null if it can be read with either. Ambiguous files of the source are read with it"}
  dates:        {type: VARCHAR, nullable: true, meaning: "day_first or month_first, if the file itself shows which; null if not"}
# The values of input, and the tests lines_are_there and a_key_has_one_row, follow from sql/inputs (pipeline/tables/inputs.py).
tests:
  reconciliation: |
    SELECT file_id FROM ingest.files
    WHERE status = 'loaded' AND rows_read <> accepted + quarantined + superseded + duplicates
  every_accepted_row_is_a_line: |
    SELECT file_id, accepted, lines FROM ingest.files WHERE lines < accepted
  quarantine_is_there: |
    SELECT files.file_id, files.quarantined, count(kept.file_id) AS kept
    FROM ingest.files AS files
    LEFT JOIN ingest.quarantine AS kept ON kept.file_id = files.file_id
    GROUP BY files.file_id, files.quarantined
    HAVING count(kept.file_id) <> files.quarantined
*/
