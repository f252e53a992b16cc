/*
title: E-mail list
description: Addresses with names and language, for a tool that is not listed.
identifiers: [email]
attributes: as_named
columns:
  email:      {kind: email, meaning: E-mail address}
  first_name: {kind: text, meaning: First name}
  last_name:  {kind: text, meaning: Last name}
  language:   {kind: text, meaning: Language}
*/
SELECT customer_id, email, first_name, last_name, language
FROM people
