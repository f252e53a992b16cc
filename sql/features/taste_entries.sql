/*
description: "On how many occasions of the last 365 days a customer bought an item, for customers of whom enough is known to speak of a taste: those with at least 10 different of the 1,000 most bought items of at least 20 customers. Products; categories where fewer than 300 customers qualify by products. A query for any day, not a table."
grain: [customer_id, item]
owner: team:data
columns:
  level:       {type: VARCHAR, values: [product, category], meaning: What an item is; the same in all rows}
  customer_id: {type: VARCHAR, meaning: Customer of the shop}
  digest:      {type: VARCHAR, meaning: "First 12 digits of the MD5 of the customer's id: an order that is the same everywhere and for ever"}
  item:        {type: VARCHAR, meaning: Product or category}
  occasions:   {type: BIGINT, unit: days, min: 1, meaning: Occasions of the customer with the item}
*/
WITH counted AS MATERIALIZED (
  SELECT level, customer_id, item, count(*) AS occasions
  FROM features.item_occasions
  WHERE occasion_on > $snapshot_date - 365
  GROUP BY level, customer_id, item
),
items AS (
  SELECT level, item, row_number() OVER (PARTITION BY level ORDER BY sum(occasions) DESC, item) AS place
  FROM counted
  GROUP BY level, item
  HAVING count(*) >= 20
),
entries AS MATERIALIZED (
  SELECT counted.level, counted.customer_id, counted.item, counted.occasions
  FROM counted
  JOIN items ON items.level = counted.level AND items.item = counted.item
  WHERE items.place <= 1000
),
customers AS MATERIALIZED (
  SELECT level, customer_id
  FROM entries
  GROUP BY level, customer_id
  HAVING count(*) >= 10
),
sizes AS (
  SELECT count(*) AS customers
  FROM customers
  WHERE level = 'product'
)
SELECT
  entries.level,
  entries.customer_id,
  substring(md5(entries.customer_id), 1, 12) AS digest,
  entries.item,
  entries.occasions
FROM entries
JOIN customers ON customers.level = entries.level AND customers.customer_id = entries.customer_id
CROSS JOIN sizes
WHERE entries.level = CASE WHEN sizes.customers >= 300 THEN 'product' ELSE 'category' END
