/*
description: "Who of Hillstrom's customers came to the web shop in the two weeks after."
raw:
  customer: {type: text, required: true}
  visit:    {required: true}
*/
SELECT
  row_number, 'v' || customer AS visit_id, customer AS customer_id, '2008-03-21 10:00:00' AS happened_at,
  'other' AS event
FROM export
