/*
title: Mailchimp
description: "Import of contacts: addresses with nothing but ASCII before the @, texts of at most 255 bytes."
identifiers: [Email Address]
attributes: as_named
columns:
  Email Address: {kind: email, meaning: E-mail address}
  First Name:    {kind: text, meaning: First name}
  Last Name:     {kind: text, meaning: Last name}
  SMS Phone:     {kind: phone, meaning: "Number as E.164, where the customer agreed to messages on the phone"}
  Country:       {kind: country, meaning: Two letters}
*/
SELECT
  customer_id,
  CASE WHEN regexp_full_match(split_part(email, '@', 1), '[\x21-\x7E]+') THEN email END AS "Email Address",
  CASE WHEN octet_length(encode(first_name)) <= 255 THEN first_name END AS "First Name",
  CASE WHEN octet_length(encode(last_name)) <= 255 THEN last_name END AS "Last Name",
  phone AS "SMS Phone",
  country AS "Country"
FROM people
