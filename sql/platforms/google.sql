/*
title: Google Ads
description: "Customer Match by CSV: addresses, numbers and names hashed, country and postal code plain. An address of the post counts only if all of its four parts are known."
consent: [{purpose: ads, channel: ads}]
consent_in_eea: [{purpose: ad_user_data, channel: ads}, {purpose: ad_personalization, channel: ads}]
identifiers: [Email, Phone]
columns:
  Email:      {kind: hash, meaning: "SHA-256 of the address in lower case; of gmail.com and googlemail.com without dots and +tag"}
  Phone:      {kind: hash, meaning: "SHA-256 of the number as E.164, with its +"}
  First Name: {kind: hash, meaning: "SHA-256 of the first name in lower case, without a title"}
  Last Name:  {kind: hash, meaning: "SHA-256 of the last name in lower case, without Jr. and the like"}
  Country:    {kind: country, meaning: Two letters}
  Zip:        {kind: text, meaning: Postal code}
*/
SELECT
  customer_id,
  coalesce(
    sha256(
      CASE
        WHEN split_part(email, '@', -1) IN ('gmail.com', 'googlemail.com')
          THEN replace(split_part(split_part(email, '@', 1), '+', 1), '.', '') || '@' || split_part(email, '@', -1)
        ELSE email
      END
    ),
    email_sha256
  ) AS "Email",
  coalesce(sha256(phone), phone_sha256) AS "Phone",
  CASE WHEN is_address THEN sha256(first) END AS "First Name",
  CASE WHEN is_address THEN sha256(last) END AS "Last Name",
  CASE WHEN is_address THEN country END AS "Country",
  CASE WHEN is_address THEN zip END AS "Zip"
FROM (
  SELECT
    *,
    nullif(regexp_replace(lower(first_name), '^(mr|mrs|ms|miss|dr|prof)\.?\s+', ''), '') AS first,
    nullif(regexp_replace(lower(last_name), ',?\s+(jr|sr|ii|iii|iv)\.?$', ''), '') AS last,
    first IS NOT NULL AND last IS NOT NULL AND country IS NOT NULL AND zip IS NOT NULL AS is_address
  FROM people
) AS people
