/*
description: "Customers the shop knows, whether they have ordered or not, each as the latest row tells it. Who they are stands in data/people alone. Empty if no such export was given."
place: 2
thing: customer
key: [customer_id]
person: customer_id
newest_by: row
moment: registered_at
changed_at: updated_at
gives: leads
personal: true
columns:
  customer_id:   {type: VARCHAR, required: true, length: [1, 200], meaning: "Customer of the shop, as orders name it"}
  registered_at: {type: TIMESTAMP, meaning: "When the customer registered, in the shop's time zone; null if nobody knows"}
  updated_at:    {type: TIMESTAMP, meaning: "When the row was last changed, in the shop's time zone; of two rows, the later counts"}
  email:         {type: VARCHAR, personal: true, contact: email, meaning: E-mail address}
  phone:         {type: VARCHAR, personal: true, contact: phone, meaning: "Telephone number; without the code of a country it is one of the customer's country, else of the shop's"}
  first_name:    {type: VARCHAR, personal: true, meaning: First name}
  last_name:     {type: VARCHAR, personal: true, meaning: Last name}
  city:          {type: VARCHAR, personal: true, meaning: City}
  region:        {type: VARCHAR, personal: true, meaning: "State, province or region; of the United States by its two letters"}
  zip:           {type: VARCHAR, personal: true, meaning: Postal code}
  country:       {type: VARCHAR, personal: true, meaning: "Country by the two letters of ISO 3166"}
  language:      {type: VARCHAR, personal: true, meaning: "Language, such as pl or pt-BR"}
  birth_date:    {type: DATE, personal: true, meaning: Date of birth}
  email_sha256:
    type: VARCHAR
    personal: true
    contact: hash
    pattern: '[0-9a-f]{64}$'
    otherwise: "is no SHA-256 of 64 digits 0-9 and a-f: MD5 has 32, and no platform takes it. Export SHA-256, or leave the cell empty"
    meaning: "SHA-256 of the address, where the shop tells no more than that; only for the platforms of hashed_for"
  phone_sha256:
    type: VARCHAR
    personal: true
    contact: hash
    pattern: '[0-9a-f]{64}$'
    otherwise: "is no SHA-256 of 64 digits 0-9 and a-f: MD5 has 32, and no platform takes it. Export SHA-256, or leave the cell empty"
    meaning: SHA-256 of the number, likewise
  hashed_for:    {type: VARCHAR, personal: true, meaning: "Platforms, with commas between them, as whose rules ask for it these hashes were made; the header of the source says it"}
derived:
  registered_on: {sql: CAST(registered_at AS DATE), type: DATE, nullable: true, meaning: Local day of registered_at}
*/
