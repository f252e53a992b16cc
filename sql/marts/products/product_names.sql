/*
description: "What to call each product that was ever sold: tables of products name ids, people read names. The name of the list of products, else the one that most sale lines of the product have."
grain: [snapshot_date, product_id]
owner: team:crm
columns:
  snapshot_date: {type: DATE, meaning: The day whose end the row describes}
  product_id:    {type: VARCHAR, meaning: Product}
  product_name:  {type: VARCHAR, nullable: true, meaning: "Name of the product; null where neither list nor lines tell one"}
  label:         {type: VARCHAR, meaning: "What the report calls it: the name, with the id behind it where several products have that name; without a name the id"}
*/
WITH lines AS (
  SELECT product_id, trim(product_name) AS product_name, count(*) AS lines
  FROM staging.order_lines
  WHERE product_id IS NOT NULL AND kind = 'sale' AND ordered_on <= $snapshot_date
  GROUP BY product_id, trim(product_name)
),
ranked AS (
  SELECT
    product_id,
    nullif(product_name, '') AS product_name,
    row_number() OVER (
      PARTITION BY product_id
      ORDER BY CASE WHEN nullif(product_name, '') IS NULL THEN 1 ELSE 0 END, lines DESC, product_name
    ) AS place
  FROM lines
),
named AS (
  SELECT ranked.product_id, coalesce(nullif(trim(listed.product_name), ''), ranked.product_name) AS product_name
  FROM ranked
  LEFT JOIN staging.products AS listed ON listed.product_id = ranked.product_id
  WHERE ranked.place = 1
),
counted AS (
  SELECT product_id, product_name, count(*) OVER (PARTITION BY coalesce(product_name, product_id)) AS products
  FROM named
)
SELECT
  $snapshot_date AS snapshot_date,
  product_id,
  product_name,
  CASE
    WHEN product_name IS NULL AND products = 1 THEN product_id
    WHEN products = 1 THEN product_name
    ELSE coalesce(product_name, product_id) || ' (' || product_id || ')'
  END AS label
FROM counted
