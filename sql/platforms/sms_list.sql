/*
title: SMS list
description: Numbers of customers who agreed to SMS, for a tool that is not listed.
consent: [{purpose: marketing, channel: sms}]
identifiers: [phone]
columns:
  phone:      {kind: phone, meaning: Number as E.164}
  first_name: {kind: text, meaning: First name}
  language:   {kind: text, meaning: Language}
*/
SELECT customer_id, phone, first_name, language
FROM people
