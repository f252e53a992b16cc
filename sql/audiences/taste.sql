/*
title: By taste
description: "Customers of each taste group that has the minimum size, with how much of their purchases it explains. No files where no groups are stable. What sets a group apart stands in marts.taste_group_items and in the report."
owner: team:crm
catalogue: taste
each: file_name
values: |
  SELECT file_name FROM marts.audience_values
  WHERE snapshot_date = $snapshot_date AND is_published AND dimension = 'taste'
columns:
  customer_id:  {type: VARCHAR, meaning: Customer of the shop}
  group_no:     {type: INTEGER, min: 1, meaning: "Number of the group, the same from day to day"}
  share:        {type: DOUBLE, min: 0, max: 1, meaning: Share of what the customer bought that the group explains}
  second_group: {type: INTEGER, min: 1, meaning: Group that explains most of the rest}
*/
SELECT listed.file_name, groups.customer_id, groups.group_no, groups.share, groups.second_group
FROM marts.taste_groups AS groups
JOIN marts.audience_values AS listed
  ON listed.snapshot_date = groups.snapshot_date AND listed.dimension = 'taste'
  AND listed.attribute = groups.group_no::VARCHAR
WHERE groups.snapshot_date = $snapshot_date AND listed.is_published
