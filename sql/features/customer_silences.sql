/*
description: "Every silence that began in the last 730 days: from a purchase occasion to the customer's next one, or to the end of the day. A query for any day, not a table."
grain: [customer_id, order_number]
owner: team:data
columns:
  customer_id:   {type: VARCHAR, meaning: Customer of the shop}
  bucket:        {type: VARCHAR, meaning: "First two digits of the MD5 of the customer's id: the same on every engine and for ever"}
  order_number:  {type: BIGINT, unit: occasions, min: 1, meaning: "Which occasion of the customer the silence follows"}
  began_on:      {type: DATE, meaning: Day of that occasion}
  previous_on:   {type: DATE, nullable: true, meaning: Day of the occasion before; null for the first}
  days:          {type: BIGINT, unit: days, min: 0, meaning: "Days from that occasion to the next one, or to the snapshot date"}
  ended:         {type: BOOLEAN, meaning: "Whether the customer has bought again; else the silence is censored on the snapshot date"}
*/
WITH sequenced AS (
  SELECT
    customer_id,
    occasion_on,
    row_number() OVER (PARTITION BY customer_id ORDER BY occasion_on) AS order_number,
    lag(occasion_on) OVER (PARTITION BY customer_id ORDER BY occasion_on) AS previous_on,
    lead(occasion_on) OVER (PARTITION BY customer_id ORDER BY occasion_on) AS next_on
  FROM features.standing_occasions
)
SELECT
  customer_id,
  substring(md5(customer_id), 1, 2) AS bucket,
  order_number,
  occasion_on AS began_on,
  previous_on,
  date_diff('day', occasion_on, coalesce(next_on, $snapshot_date)) AS days,
  next_on IS NOT NULL AS ended
FROM sequenced
WHERE date_diff('day', occasion_on, $snapshot_date) < 730
