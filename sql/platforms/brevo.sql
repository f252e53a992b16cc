/*
title: Brevo
description: "Import of contacts: columns in capitals, separated by semicolons. Attributes must exist there before."
identifiers: [EMAIL, SMS]
attributes: capitals
separator: ";"
most_bytes: 8000000
columns:
  EMAIL:     {kind: email, meaning: E-mail address}
  SMS:       {kind: phone, meaning: "Digits with the code of the country, where the customer agreed to messages on the phone"}
  EXT_ID:    {kind: id, meaning: Customer of the shop}
  FIRSTNAME: {kind: text, meaning: First name}
  LASTNAME:  {kind: text, meaning: Last name}
*/
SELECT
  customer_id,
  email AS "EMAIL",
  substr(phone, 2) AS "SMS",
  customer_id AS "EXT_ID",
  first_name AS "FIRSTNAME",
  last_name AS "LASTNAME"
FROM people
