/*
title: Meta
description: "Customer list of a custom audience: everything hashed but the value. Upload it in Audiences, or by the Marketing API."
consent: [{purpose: ads, channel: ads}]
identifiers: [email, phone]
at_least: 100
columns:
  email:   {kind: hash, meaning: "SHA-256 of the address in lower case; dots and +tags stay"}
  phone:   {kind: hash, meaning: SHA-256 of the digits with the code of the country}
  fn:      {kind: hash, meaning: "SHA-256 of the first name in lower case, letters and digits only"}
  ln:      {kind: hash, meaning: The same of the last name}
  ct:      {kind: hash, meaning: "SHA-256 of the city, letters a to z only; empty for a city with others, which the platform's own tools write in different ways"}
  st:      {kind: hash, meaning: "SHA-256 of the region, letters a to z only; in the United States its two letters"}
  zip:     {kind: hash, meaning: "SHA-256 of the postal code: in the United States five digits, in Britain without the last two letters; elsewhere empty where it has a dash"}
  country: {kind: hash, meaning: SHA-256 of the two letters in lower case}
  value:   {kind: number, value: true, meaning: "What the customer is worth, if the audience tells it"}
*/
SELECT
  customer_id,
  coalesce(sha256(email), email_sha256) AS email,
  coalesce(sha256(substr(phone, 2)), phone_sha256) AS phone,
  sha256(nullif(regexp_replace(lower(first_name), '[^\p{L}\p{M}\p{N}]', '', 'g'), '')) AS fn,
  sha256(nullif(regexp_replace(lower(last_name), '[^\p{L}\p{M}\p{N}]', '', 'g'), '')) AS ln,
  CASE WHEN is_ascii_city THEN sha256(nullif(regexp_replace(lower(city), '[^a-z]', '', 'g'), '')) END AS ct,
  CASE
    WHEN country = 'US' AND NOT regexp_full_match(region, '[A-Za-z]{2}') THEN NULL
    WHEN is_ascii_region THEN sha256(nullif(regexp_replace(lower(region), '[^a-z]', '', 'g'), ''))
  END AS st,
  sha256(nullif(
    CASE
      WHEN country = 'US' THEN regexp_extract(zip, '^\s*(\d{5})', 1)
      WHEN country = 'GB' THEN regexp_extract(lower(replace(zip, ' ', '')), '^(.+)[a-z]{2}$', 1)
      WHEN NOT contains(zip, '-') THEN lower(replace(zip, ' ', ''))
    END, '')) AS zip,
  sha256(lower(country)) AS country
FROM (
  SELECT
    *,
    regexp_full_match(city, '[\x00-\x7F]*') AS is_ascii_city,
    regexp_full_match(region, '[\x00-\x7F]*') AS is_ascii_region
  FROM people
) AS people
