/*
description: "Moves between groups since the latest earlier snapshot: what an automation is triggered by, and what these customers spent in 12 months. Moves of the activity trend are told where both snapshots compared windows of the same length."
grain: [snapshot_date, customer_id, catalogue]
owner: team:crm
columns:
  snapshot_date:          {type: DATE, meaning: Day on which the move is first seen}
  customer_id:            {type: VARCHAR, meaning: Customer of the shop}
  catalogue:              {type: VARCHAR, values: [grid, axonaut, activity_trend], meaning: "Which set of groups: a catalogue of segments, or the activity trend"}
  from_segment:           {type: VARCHAR, nullable: true, meaning: "Group on the previous snapshot date; null for a new customer"}
  to_segment:             {type: VARCHAR, meaning: Group on the snapshot date}
  direction:              {type: VARCHAR, values: [better, worse, entered, left, same], meaning: "By the catalogue's order; for the trend growing, stable, declining. entered = was no customer on the previous snapshot date, or had no trend; left = has a trend no more; same = has none, now for another reason"}
  previous_snapshot_date: {type: DATE, meaning: The snapshot compared with}
  reason:                 {type: VARCHAR, nullable: true, values: [order, time, correction, limits], meaning: "What made the customer move between segments. order: an order since the snapshot compared with. time: none since, and so a lower recency score. correction: a return, or orders that came late or were changed. limits: nothing the customer did or left, but the limits between scores moved, which all customers set together. Null for the activity trend"}
  revenue_12_months:      {type: "DECIMAL(18,2)", label: "Revenue, 12 months", unit: currency, meaning: Revenue of the customer in the last 365 days}
  predicted_clv:          {type: DOUBLE, label: Predicted value, unit: currency, nullable: true, min: 0, meaning: Predicted value of the customer; null without enough data}
tests:
  only_moves: |
    SELECT customer_id FROM marts.segment_events
    WHERE snapshot_date = $snapshot_date AND from_segment = to_segment
  segments_neither_leave_nor_stay: |
    SELECT customer_id, catalogue, direction FROM marts.segment_events
    WHERE snapshot_date = $snapshot_date AND catalogue <> 'activity_trend' AND direction IN ('left', 'same')
*/
WITH ranks AS (
  SELECT DISTINCT catalogue, segment, segment_rank
  FROM marts.segment_catalogue
  WHERE snapshot_date = $snapshot_date
  UNION ALL
  SELECT 'activity_trend' AS catalogue, segment, segment_rank
  FROM (VALUES ('growing', 1), ('stable', 2), ('declining', 3)) AS trends (segment, segment_rank)
),
moved AS (
  SELECT
    changes.snapshot_date,
    changes.customer_id,
    changes.catalogue,
    changes.previous_segment,
    changes.segment,
    changes.previous_snapshot_date,
    departed.segment_rank AS rank_before,
    arrived.segment_rank AS rank_now,
    scores.occasions,
    scores_before.occasions AS occasions_before,
    scores.r_score < scores_before.r_score AS has_aged,
    scores.recency_days < date_diff('day', changes.previous_snapshot_date, changes.snapshot_date) AS has_ordered
  FROM marts.segment_changes AS changes
  JOIN marts.rfm_scores AS scores
    ON scores.snapshot_date = changes.snapshot_date AND scores.customer_id = changes.customer_id
  LEFT JOIN marts.rfm_scores AS scores_before
    ON scores_before.snapshot_date = changes.previous_snapshot_date AND scores_before.customer_id = changes.customer_id
  LEFT JOIN ranks AS arrived ON arrived.catalogue = changes.catalogue AND arrived.segment = changes.segment
  LEFT JOIN ranks AS departed
    ON departed.catalogue = changes.catalogue AND departed.segment = changes.previous_segment
  LEFT JOIN marts.trend_base AS windows ON windows.snapshot_date = changes.snapshot_date
  LEFT JOIN marts.trend_base AS windows_before ON windows_before.snapshot_date = changes.previous_snapshot_date
  WHERE changes.snapshot_date = $snapshot_date
    AND changes.previous_snapshot_date IS NOT NULL
    AND changes.segment IS DISTINCT FROM changes.previous_segment
    AND (changes.catalogue <> 'activity_trend' OR windows.window_days = windows_before.window_days)
)
SELECT
  moved.snapshot_date,
  moved.customer_id,
  moved.catalogue,
  moved.previous_segment AS from_segment,
  moved.segment AS to_segment,
  CASE
    WHEN moved.rank_before IS NULL AND moved.rank_now IS NULL THEN 'same'
    WHEN moved.rank_before IS NULL THEN 'entered'
    WHEN moved.rank_now IS NULL THEN 'left'
    WHEN moved.rank_now < moved.rank_before THEN 'better'
    ELSE 'worse'
  END AS direction,
  moved.previous_snapshot_date,
  CASE
    WHEN moved.catalogue = 'activity_trend' THEN NULL
    WHEN moved.previous_segment IS NULL THEN 'order'
    WHEN moved.occasions < moved.occasions_before OR (moved.occasions > moved.occasions_before AND NOT moved.has_ordered)
      THEN 'correction'
    WHEN moved.rank_now < moved.rank_before AND moved.has_ordered THEN 'order'
    WHEN moved.rank_now > moved.rank_before AND moved.has_aged AND NOT moved.has_ordered THEN 'time'
    ELSE 'limits'
  END AS reason,
  summary.revenue_12_months,
  clv.predicted_clv
FROM moved
JOIN marts.customer_summary AS summary
  ON summary.snapshot_date = moved.snapshot_date AND summary.customer_id = moved.customer_id
LEFT JOIN marts.clv_predictions AS clv
  ON clv.snapshot_date = moved.snapshot_date AND clv.customer_id = moved.customer_id
-- Who is new and has no trend yet is told by the segments.
WHERE moved.previous_segment IS NOT NULL OR moved.rank_now IS NOT NULL
