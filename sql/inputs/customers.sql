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
derived:
  registered_on: {sql: CAST(registered_at AS DATE), type: DATE, nullable: true, meaning: Local day of registered_at}
*/
