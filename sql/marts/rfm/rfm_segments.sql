/*
description: Segment of every customer on the snapshot date, in each catalogue.
grain: [snapshot_date, customer_id, catalogue]
owner: team:crm
columns:
  snapshot_date: {type: DATE, meaning: The day whose end the row describes}
  customer_id:   {type: VARCHAR, meaning: Customer of the shop}
  catalogue:     {type: VARCHAR, values: [grid, axonaut], meaning: Which set of groups}
  segment:       {type: VARCHAR, meaning: Group the customer falls in}
  segment_rank:  {type: INTEGER, min: 1, max: 10, meaning: "Order of the group in its catalogue, 1 is best"}
metrics: |
  SELECT figures.name, figures.value
  FROM (
    SELECT 'customers: ' || segments.segment AS name, count(*)::DOUBLE AS value
    FROM marts.rfm_segments AS segments
    WHERE segments.snapshot_date = $snapshot_date AND segments.catalogue = 'grid'
    GROUP BY segments.segment
    UNION ALL
    SELECT 'revenue of 12 months: ' || segments.segment, sum(summary.revenue_12_months)::DOUBLE
    FROM marts.rfm_segments AS segments
    JOIN marts.customer_summary AS summary
      ON summary.customer_id = segments.customer_id AND summary.snapshot_date = $snapshot_date
    WHERE segments.snapshot_date = $snapshot_date AND segments.catalogue = 'grid'
    GROUP BY segments.segment
  ) AS figures
  ORDER BY figures.name
tests:
  every_customer_in_every_catalogue: |
    SELECT scores.customer_id, count(segments.catalogue) AS catalogues
    FROM marts.rfm_scores AS scores
    LEFT JOIN marts.rfm_segments AS segments
      ON segments.customer_id = scores.customer_id AND segments.snapshot_date = $snapshot_date
    WHERE scores.snapshot_date = $snapshot_date
    GROUP BY scores.customer_id
    HAVING count(segments.catalogue) <> 2
*/
SELECT
  scores.snapshot_date,
  scores.customer_id,
  catalogue.catalogue,
  catalogue.segment,
  catalogue.segment_rank
FROM marts.rfm_scores AS scores
JOIN marts.segment_catalogue AS catalogue
  ON catalogue.snapshot_date = scores.snapshot_date
  AND catalogue.r_score = scores.r_score
  AND catalogue.f_score = scores.f_score
WHERE scores.snapshot_date = $snapshot_date
