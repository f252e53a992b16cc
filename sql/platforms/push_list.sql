/*
title: Push list
description: Customers who agreed to push messages, by the id under which the app knows them.
consent: [{purpose: marketing, channel: push}]
identifiers: [user_id]
columns:
  user_id:  {kind: id, meaning: Customer of the shop}
  language: {kind: text, meaning: Language}
*/
SELECT customer_id, customer_id AS user_id, language
FROM people
