/*
description: "Moves between groups since the latest earlier snapshot: what an automation is triggered by, and what is at stake."
grain: [snapshot_date, customer_id, catalogue]
owner: team:crm
columns:
  snapshot_date:          {type: DATE, meaning: Day on which the move is first seen}
  customer_id:            {type: VARCHAR, meaning: Customer of the shop}
  catalogue:              {type: VARCHAR, values: [grid, axonaut], meaning: Which set of groups}
  from_segment:           {type: VARCHAR, nullable: true, meaning: "Group on the previous snapshot date; null for a new customer"}
  to_segment:             {type: VARCHAR, meaning: Group on the snapshot date}
  direction:              {type: VARCHAR, values: [better, worse, entered], meaning: "By the catalogue's order; entered = was no customer on the previous snapshot date"}
  previous_snapshot_date: {type: DATE, meaning: The snapshot compared with}
  value_at_stake:         {type: "DECIMAL(18,2)", unit: currency, meaning: Revenue of the customer in the last 365 days}
  predicted_clv:          {type: DOUBLE, unit: currency, nullable: true, min: 0, meaning: Predicted value of the customer; null without enough data}
tests:
  only_moves: |
    SELECT customer_id FROM marts.segment_events
    WHERE snapshot_date = $snapshot_date AND from_segment = to_segment
*/
WITH ranks AS (
  SELECT DISTINCT catalogue, segment, segment_rank
  FROM marts.segment_catalogue
  WHERE snapshot_date = $snapshot_date
)
SELECT
  changes.snapshot_date,
  changes.customer_id,
  changes.catalogue,
  changes.previous_segment AS from_segment,
  changes.segment AS to_segment,
  CASE
    WHEN changes.previous_segment IS NULL THEN 'entered'
    WHEN arrived.segment_rank < departed.segment_rank THEN 'better'
    ELSE 'worse'
  END AS direction,
  changes.previous_snapshot_date,
  summary.revenue_12_months AS value_at_stake,
  clv.predicted_clv
FROM marts.segment_changes AS changes
JOIN marts.customer_summary AS summary
  ON summary.snapshot_date = changes.snapshot_date AND summary.customer_id = changes.customer_id
LEFT JOIN marts.clv_predictions AS clv
  ON clv.snapshot_date = changes.snapshot_date AND clv.customer_id = changes.customer_id
JOIN ranks AS arrived ON arrived.catalogue = changes.catalogue AND arrived.segment = changes.segment
LEFT JOIN ranks AS departed ON departed.catalogue = changes.catalogue AND departed.segment = changes.previous_segment
WHERE changes.snapshot_date = $snapshot_date
  AND changes.previous_snapshot_date IS NOT NULL
  AND changes.segment IS DISTINCT FROM changes.previous_segment
