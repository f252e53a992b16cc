/*
title: HubSpot
description: "Import of contacts by e-mail address. Who opted out is an import of its own there, and never in this file."
identifiers: [Email]
attributes: as_named
columns:
  Email:          {kind: email, meaning: E-mail address}
  First Name:     {kind: text, meaning: First name}
  Last Name:      {kind: text, meaning: Last name}
  Phone Number:   {kind: phone, meaning: "Number as E.164, where the customer agreed to messages on the phone"}
  City:           {kind: text, meaning: City}
  Postal Code:    {kind: text, meaning: Postal code}
  Country/Region: {kind: country, meaning: Two letters}
*/
SELECT
  customer_id,
  email AS "Email",
  first_name AS "First Name",
  last_name AS "Last Name",
  phone AS "Phone Number",
  city AS "City",
  zip AS "Postal Code",
  country AS "Country/Region"
FROM people
