/*
description: "Segment of every customer beside the one of the latest earlier snapshot, and since when it has held. History: depends on the earlier partitions, whose date each row names."
grain: [snapshot_date, customer_id, catalogue]
owner: team:crm
columns:
  snapshot_date:          {type: DATE, meaning: The day whose end the row describes}
  customer_id:            {type: VARCHAR, meaning: Customer of the shop}
  catalogue:              {type: VARCHAR, values: [grid, axonaut], meaning: Which set of groups}
  segment:                {type: VARCHAR, meaning: Group on the snapshot date}
  previous_segment:       {type: VARCHAR, nullable: true, meaning: "Group on the previous snapshot date; null for a customer who was none then, and on the first snapshot"}
  previous_snapshot_date: {type: DATE, nullable: true, meaning: "Latest earlier snapshot; null on the first"}
  changed_on:             {type: DATE, meaning: First snapshot since which the group is the present one}
*/
WITH earlier AS (
  SELECT max(snapshot_date) AS snapshot_date
  FROM marts.segment_changes
  WHERE snapshot_date < $snapshot_date
),
previous AS (
  SELECT changes.customer_id, changes.catalogue, changes.segment, changes.changed_on
  FROM marts.segment_changes AS changes
  JOIN earlier ON earlier.snapshot_date = changes.snapshot_date
)
SELECT
  segments.snapshot_date,
  segments.customer_id,
  segments.catalogue,
  segments.segment,
  previous.segment AS previous_segment,
  earlier.snapshot_date AS previous_snapshot_date,
  CASE WHEN previous.segment = segments.segment THEN previous.changed_on ELSE segments.snapshot_date END AS changed_on
FROM marts.rfm_segments AS segments
CROSS JOIN earlier
LEFT JOIN previous
  ON previous.customer_id = segments.customer_id
  AND previous.catalogue = segments.catalogue
WHERE segments.snapshot_date = $snapshot_date
