/*
title: Win back, with items
description: "Customers in the stages defecting and inactive for whom there is a list, with the first five products of it: what they bought most, then new ones."
owner: team:crm
advice: Show the products; is_new_1 … tell which the customer does not know.
catalogue: win_back
each: stage
values: |
  SELECT stage FROM (VALUES ('defecting'), ('inactive')) AS listed (stage)
  WHERE EXISTS (SELECT 1 FROM marts.recommendations WHERE snapshot_date = $snapshot_date AND list = 'win_back')
columns:
  customer_id:       {type: VARCHAR, meaning: Customer of the shop}
  last_purchase_on:  {type: DATE, meaning: Local day of the last occasion}
  orders:            {type: BIGINT, unit: orders, min: 1, meaning: Orders that stand}
  revenue:           {type: "DECIMAL(18,2)", unit: currency, meaning: Net revenue}
  product_1:         {type: VARCHAR, meaning: First product of the list}
  label_1:           {type: VARCHAR, meaning: What it is called}
  is_new_1:          {type: BOOLEAN, meaning: Whether the customer has never bought it}
  product_2:         {type: VARCHAR, nullable: true, meaning: Second product}
  label_2:           {type: VARCHAR, nullable: true, meaning: What it is called}
  is_new_2:          {type: BOOLEAN, nullable: true, meaning: Whether the customer has never bought it}
  product_3:         {type: VARCHAR, nullable: true, meaning: Third product}
  label_3:           {type: VARCHAR, nullable: true, meaning: What it is called}
  is_new_3:          {type: BOOLEAN, nullable: true, meaning: Whether the customer has never bought it}
  product_4:         {type: VARCHAR, nullable: true, meaning: Fourth product}
  label_4:           {type: VARCHAR, nullable: true, meaning: What it is called}
  is_new_4:          {type: BOOLEAN, nullable: true, meaning: Whether the customer has never bought it}
  product_5:         {type: VARCHAR, nullable: true, meaning: Fifth product}
  label_5:           {type: VARCHAR, nullable: true, meaning: What it is called}
  is_new_5:          {type: BOOLEAN, nullable: true, meaning: Whether the customer has never bought it}
*/
WITH items AS (
  SELECT lists.customer_id, lists.slot, lists.product_id, coalesce(names.label, lists.product_id) AS label, lists.is_new
  FROM marts.recommendations AS lists
  LEFT JOIN marts.product_names AS names
    ON names.snapshot_date = lists.snapshot_date AND names.product_id = lists.product_id
  WHERE lists.snapshot_date = $snapshot_date AND lists.list = 'win_back' AND lists.slot <= 5
),
lists AS (
  SELECT
    customer_id,
    max(product_id) FILTER (slot = 1) AS product_1,
    max(label) FILTER (slot = 1) AS label_1,
    bool_or(is_new) FILTER (slot = 1) AS is_new_1,
    max(product_id) FILTER (slot = 2) AS product_2,
    max(label) FILTER (slot = 2) AS label_2,
    bool_or(is_new) FILTER (slot = 2) AS is_new_2,
    max(product_id) FILTER (slot = 3) AS product_3,
    max(label) FILTER (slot = 3) AS label_3,
    bool_or(is_new) FILTER (slot = 3) AS is_new_3,
    max(product_id) FILTER (slot = 4) AS product_4,
    max(label) FILTER (slot = 4) AS label_4,
    bool_or(is_new) FILTER (slot = 4) AS is_new_4,
    max(product_id) FILTER (slot = 5) AS product_5,
    max(label) FILTER (slot = 5) AS label_5,
    bool_or(is_new) FILTER (slot = 5) AS is_new_5
  FROM items
  GROUP BY customer_id
)
SELECT
  stages.stage,
  lists.*,
  summary.last_purchase_on,
  summary.orders,
  summary.revenue
FROM lists
JOIN marts.lifecycle_stages AS stages USING (customer_id)
JOIN marts.customer_summary AS summary USING (snapshot_date, customer_id)
WHERE stages.snapshot_date = $snapshot_date AND stages.stage IN ('defecting', 'inactive')
