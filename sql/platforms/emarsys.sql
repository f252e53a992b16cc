/*
title: Emarsys
description: "Import of contacts with the address as the one key field; each address is in it once, because of doubles any one would win."
identifiers: [email]
attributes: as_named
most_bytes: 64000000
columns:
  email:      {kind: email, meaning: E-mail address; the key field}
  first_name: {kind: text, meaning: First name}
  last_name:  {kind: text, meaning: Last name}
  mobile:     {kind: phone, meaning: "Number as E.164, where the customer agreed to messages on the phone"}
*/
SELECT customer_id, email, first_name, last_name, phone AS mobile
FROM people
