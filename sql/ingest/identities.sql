/*
description: "Which e-mail address a row of an order came with, as an id made from it, and which account it named: what orders of guests are linked to accounts by. Of sources that give both only; the address itself is not kept."
grain: [file_id, row_number]
owner: team:data
columns:
  file_id:    {type: VARCHAR, meaning: File the row came in (ingest.files)}
  row_number: {type: BIGINT, unit: data rows, min: 1, meaning: "Position of the row in the file, the header not counted"}
  guest_id:   {type: VARCHAR, meaning: "What a customer without an account is known by: the id made from the address"}
  account_id: {type: VARCHAR, nullable: true, meaning: "The customer's account in the shop, as the row names it; null for an order of a guest"}
*/
