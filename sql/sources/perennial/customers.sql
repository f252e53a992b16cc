/*
description: "The customers a shop knows, under our canonical names: one row per customer, whether it has ordered or not. Who somebody is stands in data/people alone; further columns are not taken over."
owner: team:data
raw:
  customer_id:   {required: true}
  registered_at: {required: true}
  updated_at:    {meaning: "When the row was last changed: of two rows, the later counts"}
  email:         {}
  phone:         {}
  first_name:    {}
  last_name:     {}
  city:          {}
  region:        {}
  zip:           {}
  country:       {meaning: "Two letters of ISO 3166"}
  language:      {}
  birth_date:    {type: timestamp}
  exported_at:   {meaning: "When the file was exported: tells it from older and newer exports"}
*/
SELECT
  row_number, customer_id, registered_at, updated_at, exported_at,
  email, phone, first_name, last_name, city, region, zip, country, language, birth_date
FROM export
