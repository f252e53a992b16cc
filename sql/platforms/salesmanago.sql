/*
title: SALESmanago
description: "Import of contacts: columns separated by semicolons, no blank lines."
identifiers: [email]
attributes: as_named
separator: ";"
most_bytes: 20000000
columns:
  email:      {kind: email, meaning: E-mail address}
  phone:      {kind: phone, meaning: "Number as E.164, where the customer agreed to messages on the phone"}
  name:       {kind: text, meaning: First and last name}
  externalId: {kind: id, meaning: Customer of the shop}
*/
SELECT
  customer_id,
  email,
  phone,
  nullif(concat_ws(' ', first_name, last_name), '') AS name,
  customer_id AS "externalId"
FROM people
