/*
title: Call list
description: "Numbers of customers who agreed to be called, the most valuable first."
consent: [{purpose: marketing, channel: phone}]
identifiers: [phone]
attributes: as_named
by_value: true
columns:
  phone:      {kind: phone, meaning: Number as E.164}
  first_name: {kind: text, meaning: First name}
  last_name:  {kind: text, meaning: Last name}
  city:       {kind: text, meaning: City}
  language:   {kind: text, meaning: Language}
*/
SELECT customer_id, phone, first_name, last_name, city, language
FROM people
