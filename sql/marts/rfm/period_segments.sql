/*
description: "Segments of any one period, as if nothing were known outside it: the last 365 days, or the period set (--from, --to). Scores follow the rule of rfm_scores, with the last day of the period for the snapshot date. Empty for a period that ends after the snapshot date."
grain: [snapshot_date, customer_id]
owner: team:crm
columns:
  snapshot_date:    {type: DATE, meaning: "The day whose end the row describes: what was cancelled by then does not count"}
  customer_id:      {type: VARCHAR, meaning: Customer of the shop with an occasion in the period}
  period_from:      {type: DATE, meaning: First day of the period}
  period_to:        {type: DATE, meaning: Last day of the period}
  recency_days:     {type: BIGINT, unit: days, min: 0, meaning: Days from the last occasion of the period to its last day}
  occasions:        {type: BIGINT, unit: days, min: 1, meaning: Days of the period with an order that stands}
  orders:           {type: BIGINT, unit: orders, min: 1, meaning: Orders of the period that stand}
  revenue:          {type: "DECIMAL(18,2)", unit: currency, meaning: "Sales, charges and refunds booked in the period"}
  r_score:          {type: INTEGER, min: 1, max: 5, meaning: Recency score among the customers of the period; 5 bought last}
  f_score:          {type: INTEGER, min: 1, max: 5, meaning: Frequency score; 5 bought most often}
  m_score:          {type: INTEGER, min: 1, max: 5, meaning: Spend score; 5 spent most}
  grid_segment:     {type: VARCHAR, meaning: Group in the grid of ten}
  grid_rank:        {type: INTEGER, min: 1, max: 10, meaning: "Order of that group, 1 is best"}
  axonaut_segment:  {type: VARCHAR, meaning: "Group in Axonaut's seven"}
  axonaut_rank:     {type: INTEGER, min: 1, max: 7, meaning: "Order of that group, 1 is best"}
tests:
  every_customer_of_the_period: |
    WITH bounds AS (
      SELECT min(period_from) AS period_from, min(period_to) AS period_to
      FROM marts.period_segments WHERE snapshot_date = $snapshot_date
    ),
    buyers AS (
      SELECT occasions.customer_id
      FROM staging.occasions AS occasions
      CROSS JOIN bounds
      WHERE occasions.known_on <= $snapshot_date
        AND occasions.occasion_on BETWEEN bounds.period_from AND bounds.period_to
      GROUP BY occasions.customer_id
      HAVING sum(occasions.orders) > 0
    )
    SELECT count(*) AS customers FROM buyers
    HAVING count(*) <> (SELECT count(*) FROM marts.period_segments WHERE snapshot_date = $snapshot_date)
*/
WITH period AS (
  SELECT
    coalesce(period_from, $snapshot_date - 364) AS period_from,
    coalesce(period_to, $snapshot_date) AS period_to
  FROM params.settings
)
SELECT
  $snapshot_date AS snapshot_date,
  scores.customer_id,
  period.period_from,
  period.period_to,
  scores.recency_days,
  scores.occasions,
  scores.orders,
  scores.revenue,
  scores.r_score,
  scores.f_score,
  scores.m_score,
  grid.segment AS grid_segment,
  grid.segment_rank AS grid_rank,
  axonaut.segment AS axonaut_segment,
  axonaut.segment_rank AS axonaut_rank
FROM features.scored_customers AS scores
CROSS JOIN period
JOIN marts.segment_catalogue AS grid
  ON grid.snapshot_date = $snapshot_date
  AND grid.catalogue = 'grid'
  AND grid.r_score = scores.r_score
  AND grid.f_score = scores.f_score
JOIN marts.segment_catalogue AS axonaut
  ON axonaut.snapshot_date = $snapshot_date
  AND axonaut.catalogue = 'axonaut'
  AND axonaut.r_score = scores.r_score
  AND axonaut.f_score = scores.f_score
WHERE scores.basis = 'period'
