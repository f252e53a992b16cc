/*
title: Klaviyo
description: "Import of a list: the address first, then properties. Consent is not in it: an import must never subscribe anybody."
identifiers: [Email, Phone Number]
attributes: as_named
most_bytes: 50000000
columns:
  Email:        {kind: email, meaning: E-mail address}
  Phone Number: {kind: phone, meaning: "Number as E.164, where the customer agreed to messages on the phone"}
  First Name:   {kind: text, meaning: First name}
  Last Name:    {kind: text, meaning: Last name}
  City:         {kind: text, meaning: City}
  Region:       {kind: text, meaning: Region}
  Zip Code:     {kind: text, meaning: Postal code}
  Country:      {kind: country, meaning: Two letters}
*/
SELECT
  customer_id,
  email AS "Email",
  phone AS "Phone Number",
  first_name AS "First Name",
  last_name AS "Last Name",
  city AS "City",
  region AS "Region",
  zip AS "Zip Code",
  country AS "Country"
FROM people
