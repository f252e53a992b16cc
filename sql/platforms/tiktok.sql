/*
title: TikTok
description: "Customer file of a custom audience: addresses and numbers, hashed."
consent: [{purpose: ads, channel: ads}]
identifiers: [Email_SHA256, Phone_SHA256]
at_least: 1000
most_bytes: 1000000000
columns:
  Email_SHA256: {kind: hash, meaning: SHA-256 of the address in lower case}
  Phone_SHA256: {kind: hash, meaning: SHA-256 of the digits with the code of the country}
*/
SELECT
  customer_id,
  coalesce(sha256(email), email_sha256) AS "Email_SHA256",
  coalesce(sha256(substr(phone, 2)), phone_sha256) AS "Phone_SHA256"
FROM people
