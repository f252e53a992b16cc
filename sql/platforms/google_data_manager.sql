/*
title: Google Data Manager
description: "Customer Match by the Data Manager API: bodies of audienceMembers:ingest, of audienceMembers:remove for who is removed. Whoever sends them adds destinations. Consents that Google asks for in the European Economic Area are told of those who gave them."
consent: [{purpose: ads, channel: ads}]
consent_in_eea: [{purpose: ad_user_data, channel: ads}, {purpose: ad_personalization, channel: ads}]
identifiers: [Email, Phone]
most_rows: 10000
request:
  rows: audienceMembers
  beside: {encoding: HEX}
  of_added: {termsOfService: {customerMatchTermsOfServiceStatus: ACCEPTED}}
columns:
  Email:              {kind: hash, at: "userData.userIdentifiers[].emailAddress", meaning: "SHA-256 of the address in lower case; of gmail.com and googlemail.com without dots and +tag"}
  Phone:              {kind: hash, at: "userData.userIdentifiers[].phoneNumber", meaning: "SHA-256 of the number as E.164, with its +"}
  First Name:         {kind: hash, at: "userData.userIdentifiers[].address.givenName", meaning: "SHA-256 of the first name in lower case, without a title"}
  Last Name:          {kind: hash, at: "userData.userIdentifiers[].address.familyName", meaning: "SHA-256 of the last name in lower case, without Jr. and the like"}
  Country:            {kind: country, at: "userData.userIdentifiers[].address.regionCode", meaning: Two letters}
  Zip:                {kind: text, at: "userData.userIdentifiers[].address.postalCode", meaning: Postal code}
  Ad User Data:       {kind: text, at: consent.adUserData, meaning: "CONSENT_GRANTED, where the customer agreed to that and to ad_personalization"}
  Ad Personalization: {kind: text, at: consent.adPersonalization, meaning: "CONSENT_GRANTED, where the customer agreed to that and to ad_user_data"}
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
  CASE WHEN is_address THEN zip END AS "Zip",
  CASE WHEN agreed_in_eea THEN 'CONSENT_GRANTED' END AS "Ad User Data",
  CASE WHEN agreed_in_eea THEN 'CONSENT_GRANTED' END AS "Ad Personalization"
FROM (
  SELECT
    *,
    nullif(regexp_replace(lower(first_name), '^(mr|mrs|ms|miss|dr|prof)\.?\s+', ''), '') AS first,
    nullif(regexp_replace(lower(last_name), ',?\s+(jr|sr|ii|iii|iv)\.?$', ''), '') AS last,
    first IS NOT NULL AND last IS NOT NULL AND country IS NOT NULL AND zip IS NOT NULL AS is_address
  FROM people
) AS people
