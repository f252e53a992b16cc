/*
description: "Segment of every customer beside the one of the latest earlier snapshot, and since when it has held. History: depends on the earlier partitions, whose date each row names."
grain: [snapshot_date, customer_id, catalogue]
owner: team:crm
columns:
  snapshot_date:          {type: DATE, meaning: The day whose end the row describes}
  customer_id:            {type: VARCHAR, meaning: Customer of the shop}
  catalogue:              {type: VARCHAR, values: [grid, axonaut, activity_trend], meaning: "Which set of groups: a catalogue of segments, or the activity trend"}
  segment:                {type: VARCHAR, meaning: Group on the snapshot date}
  previous_segment:       {type: VARCHAR, nullable: true, meaning: "Group on the previous snapshot date; null for a customer who was none then, and on the first snapshot"}
  previous_snapshot_date: {type: DATE, nullable: true, meaning: Latest earlier snapshot with this set of groups; null on the first}
  changed_on:             {type: DATE, meaning: First snapshot since which the group is the present one}
  segment_before:         {type: VARCHAR, nullable: true, meaning: "Group before the present one, left on changed_on; null for who has never changed it, as far as snapshots tell"}
*/
WITH present AS (
  SELECT customer_id, catalogue, segment
  FROM marts.rfm_segments
  WHERE snapshot_date = $snapshot_date
  UNION ALL
  SELECT customer_id, 'activity_trend' AS catalogue, activity_trend AS segment
  FROM marts.activity_trend
  WHERE snapshot_date = $snapshot_date
),
earlier AS (
  SELECT catalogue, max(snapshot_date) AS snapshot_date
  FROM marts.segment_changes
  WHERE snapshot_date < $snapshot_date
  GROUP BY catalogue
),
previous AS (
  SELECT changes.customer_id, changes.catalogue, changes.segment, changes.changed_on, changes.segment_before
  FROM marts.segment_changes AS changes
  JOIN earlier ON earlier.snapshot_date = changes.snapshot_date AND earlier.catalogue = changes.catalogue
)
SELECT
  $snapshot_date AS snapshot_date,
  present.customer_id,
  present.catalogue,
  present.segment,
  previous.segment AS previous_segment,
  earlier.snapshot_date AS previous_snapshot_date,
  CASE WHEN previous.segment = present.segment THEN previous.changed_on ELSE $snapshot_date END AS changed_on,
  CASE WHEN previous.segment = present.segment THEN previous.segment_before ELSE previous.segment END AS segment_before
FROM present
LEFT JOIN earlier ON earlier.catalogue = present.catalogue
LEFT JOIN previous
  ON previous.customer_id = present.customer_id
  AND previous.catalogue = present.catalogue
