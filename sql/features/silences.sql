/*
description: "Silences that began in the last 730 days: how long each has lasted, and whether a purchase ended it or it still goes on at the end of the day. Counts, no customers; in 256 buckets by customer, so that an interval can be drawn by customer and not by silence. A query for any day, not a table."
grain: [snapshot_date, bucket, order_number, days, ended]
owner: team:data
columns:
  snapshot_date: {type: DATE, meaning: The day whose end the row describes}
  bucket:        {type: VARCHAR, meaning: "First two digits of the MD5 of the customer's id: the same on every engine and for ever"}
  customer_kind: {type: VARCHAR, meaning: "one-time until the second occasion, repeat after it", values: [one-time, repeat]}
  order_number:  {type: BIGINT, unit: occasions, min: 1, meaning: "Which occasion of the customer the silence follows"}
  days:          {type: BIGINT, unit: days, min: 0, meaning: "Days from that occasion to the next one, or to the snapshot date"}
  ended:         {type: BOOLEAN, meaning: "Whether the customer has bought again; else the silence is censored on the snapshot date"}
  silences:      {type: BIGINT, unit: silences, min: 1, meaning: How many there are}
  customers:     {type: BIGINT, unit: customers, min: 0, meaning: "Of these, first ones of their customer and kind: their sum counts every customer once"}
*/
SELECT
  $snapshot_date AS snapshot_date,
  bucket,
  CASE WHEN order_number = 1 THEN 'one-time' ELSE 'repeat' END AS customer_kind,
  order_number,
  days,
  ended,
  count(*) AS silences,
  count(*) FILTER (WHERE order_number <= 2 OR date_diff('day', previous_on, $snapshot_date) >= 730) AS customers
FROM features.customer_silences
GROUP BY bucket, order_number, days, ended
