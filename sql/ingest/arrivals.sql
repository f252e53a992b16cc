/*
description: "When each export file was first seen: written once, whatever is made of the file later. Which of two exports is the newer one follows from it (docs/exports.md)."
grain: [file_id]
owner: team:data
columns:
  file_id:    {type: VARCHAR, meaning: "Identity of the file, as in ingest.files; also of files that could not be loaded"}
  arrived_at: {type: TIMESTAMP, meaning: "When the file arrived, shop time; files first seen by the same ingest share it. Of files older than this table, the time of their last order"}
  seen_at:    {type: TIMESTAMP, meaning: "When ingest first saw the file, shop time; times more than a day later make nothing in it newer"}
  place:      {type: VARCHAR, meaning: "The numbers in its path, written so that texts sort as numbers do: tells apart files that arrived together"}
  name:       {type: VARCHAR, meaning: "Where the file was then, relative to the home if inside it"}
tests:
  every_file_has_arrived: |
    SELECT files.file_id
    FROM ingest.files AS files
    LEFT JOIN ingest.arrivals AS arrivals ON arrivals.file_id = files.file_id
    WHERE arrivals.file_id IS NULL
*/
