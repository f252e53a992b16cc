/*
description: "What Hillstrom's customers spent: in the year before as one order of a day of it (history), and in the two weeks after as one order of the day after (spend)."
raw:
  customer: {type: text, required: true}
  history:  {type: number}
  spend:    {type: number}
*/
SELECT
  row_number, customer || CASE WHEN spend IS NULL THEN ' before' ELSE '' END AS order_id, customer AS customer_id,
  CASE WHEN spend IS NULL THEN '2008-01-20' ELSE '2008-03-21' END AS ordered_at,
  coalesce(TRY_CAST(spend AS DECIMAL(18,2)), TRY_CAST(history AS DECIMAL(18,2))) AS amount
FROM export
