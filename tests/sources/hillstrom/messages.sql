/*
description: "Hillstrom's e-mail test of 2008: who was drawn for which of two mailings, or for none. The columns of the data set, with a number per customer and the mailing they are drawn for or held against."
raw:
  customer:    {type: text, required: true}
  campaign:    {type: text, required: true}
  segment:     {type: text, required: true}
  conversion:  {}
*/
SELECT
  row_number, campaign AS campaign_id, customer AS customer_id, 'assigned' AS event, NULL AS happened_at,
  CASE WHEN segment = 'No E-Mail' THEN 'control' ELSE 'treated' END AS group_name
FROM export
