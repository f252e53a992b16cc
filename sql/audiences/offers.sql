/*
title: Products to offer
description: "Customers who have never bought a product and in whose list cross_sell or up_sell it stands: one audience for each list and product that marts.audience_values lists as published, among them those of the setting audiences.products."
owner: team:crm
advice: Slot 1 first. The reason says why it is in the list; because_of names the product that speaks most for it, in up_sell a cheaper one of the same category.
each: [dimension, file_name]
values: |
  SELECT dimension, file_name FROM marts.audience_values
  WHERE snapshot_date = $snapshot_date AND is_published AND dimension IN ('cross_sell', 'up_sell')
columns:
  customer_id:      {type: VARCHAR, meaning: Customer of the shop}
  product_id:       {type: VARCHAR, meaning: Product to offer}
  label:            {type: VARCHAR, meaning: What it is called}
  slot:             {type: INTEGER, min: 1, max: 10, meaning: Its place in the customer's list}
  reason:           {type: VARCHAR, meaning: "Why it is there: viewed in 30 days; goes together with a product of theirs; more often bought by customers with the same products; often bought later by buyers of a cheaper one; bought more than it was; bought by many"}
  because_of:       {type: VARCHAR, nullable: true, meaning: Product of the customer that speaks most for it}
  because_of_label: {type: VARCHAR, nullable: true, meaning: What that is called}
*/
SELECT
  listed.dimension,
  listed.file_name,
  lists.customer_id,
  lists.product_id,
  coalesce(names.label, lists.product_id) AS label,
  lists.slot,
  lists.reason,
  lists.because_of,
  coalesce(reasons.label, lists.because_of) AS because_of_label
FROM marts.recommendations AS lists
JOIN marts.audience_values AS listed
  ON listed.snapshot_date = lists.snapshot_date AND listed.dimension = lists.list AND listed.attribute = lists.product_id
LEFT JOIN marts.product_names AS names
  ON names.snapshot_date = lists.snapshot_date AND names.product_id = lists.product_id
LEFT JOIN marts.product_names AS reasons
  ON reasons.snapshot_date = lists.snapshot_date AND reasons.product_id = lists.because_of
WHERE lists.snapshot_date = $snapshot_date AND lists.list IN ('cross_sell', 'up_sell') AND listed.is_published
