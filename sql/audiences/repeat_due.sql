/*
title: Likely to buy an item again
description: "Customers with a chance of at least audiences.due_probability to buy an item again in the 30 days after the snapshot date, with the three likeliest items: products and categories apart. Chosen by the chance, not by the date: most of those who are overdue do not come back for the item."
owner: team:crm
advice: Remind of the first item. due_on is when the customer's own mean gap ends, and predicts little.
catalogue: repeat_due
each: level
values: |
  SELECT DISTINCT level FROM marts.replenishment_due
  WHERE snapshot_date = $snapshot_date AND status = 'ok'
columns:
  customer_id:    {type: VARCHAR, meaning: Customer of the shop}
  items:          {type: BIGINT, unit: items, min: 1, meaning: Items with such a chance}
  item_1:         {type: VARCHAR, meaning: The likeliest}
  label_1:        {type: VARCHAR, meaning: What it is called}
  probability_1:  {type: DOUBLE, min: 0, max: 1, meaning: Chance to buy it in the 30 days after the snapshot date}
  due_on_1:       {type: DATE, nullable: true, meaning: "When the customer's mean gap ends; null for who bought it once"}
  item_2:         {type: VARCHAR, nullable: true, meaning: The second}
  label_2:        {type: VARCHAR, nullable: true, meaning: What it is called}
  probability_2:  {type: DOUBLE, nullable: true, min: 0, max: 1, meaning: Its chance}
  due_on_2:       {type: DATE, nullable: true, meaning: When its gap ends}
  item_3:         {type: VARCHAR, nullable: true, meaning: The third}
  label_3:        {type: VARCHAR, nullable: true, meaning: What it is called}
  probability_3:  {type: DOUBLE, nullable: true, min: 0, max: 1, meaning: Its chance}
  due_on_3:       {type: DATE, nullable: true, meaning: When its gap ends}
*/
WITH likely AS (
  SELECT
    due.level,
    due.customer_id,
    due.item,
    coalesce(names.label, due.item) AS label,
    due.probability_30d,
    due.due_on,
    count(*) OVER (PARTITION BY due.level, due.customer_id) AS items,
    row_number() OVER (
      PARTITION BY due.level, due.customer_id ORDER BY due.probability_30d DESC, due.purchases DESC, due.item
    ) AS place
  FROM marts.replenishment_due AS due
  LEFT JOIN marts.product_names AS names
    ON names.snapshot_date = due.snapshot_date AND names.product_id = due.item AND due.level = 'product'
  WHERE due.snapshot_date = $snapshot_date
    AND due.probability_30d >= (SELECT audience_due_probability FROM params.settings)
)
SELECT
  level,
  customer_id,
  max(items) AS items,
  max(item) FILTER (place = 1) AS item_1,
  max(label) FILTER (place = 1) AS label_1,
  max(probability_30d) FILTER (place = 1) AS probability_1,
  max(due_on) FILTER (place = 1) AS due_on_1,
  max(item) FILTER (place = 2) AS item_2,
  max(label) FILTER (place = 2) AS label_2,
  max(probability_30d) FILTER (place = 2) AS probability_2,
  max(due_on) FILTER (place = 2) AS due_on_2,
  max(item) FILTER (place = 3) AS item_3,
  max(label) FILTER (place = 3) AS label_3,
  max(probability_30d) FILTER (place = 3) AS probability_3,
  max(due_on) FILTER (place = 3) AS due_on_3
FROM likely
GROUP BY level, customer_id
