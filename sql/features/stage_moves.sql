/*
description: "The occasions that are compared to tell what is bought where customers move from one stage to another: one of each customer for each move, with or without the move. Who moved counts with the first occasion that the move belongs to, others with one drawn by the MD5 of customer and day. A query for any day, not a table."
grain: [move, customer_id]
owner: team:data
columns:
  move:        {type: VARCHAR, values: [first to active, to defecting, returned], meaning: "first to active: of first occasions that are 90 days old, whether the second came within 90 days. to defecting: of later ones that are as old as the customer's defecting limit, whether no other came before it. returned: of all later ones, whether the silence before had reached it"}
  customer_id: {type: VARCHAR, meaning: Customer of the shop}
  occasion_on: {type: DATE, meaning: Day of the occasion}
  moved:       {type: BIGINT, min: 0, max: 1, meaning: "1: the customer made the move; 0: not"}
*/
WITH sequenced AS (
  SELECT
    customer_id,
    occasion_on,
    row_number() OVER (PARTITION BY customer_id ORDER BY occasion_on) AS place,
    date_diff('day', lag(occasion_on) OVER (PARTITION BY customer_id ORDER BY occasion_on), occasion_on) AS days_before,
    date_diff('day', occasion_on, lead(occasion_on) OVER (PARTITION BY customer_id ORDER BY occasion_on)) AS days_after,
    date_diff('day', occasion_on, $snapshot_date) AS age_days
  FROM features.standing_occasions
),
limited AS (
  SELECT
    sequenced.customer_id,
    sequenced.occasion_on,
    sequenced.place,
    sequenced.days_before,
    sequenced.days_after,
    sequenced.age_days,
    stages.defecting_days
  FROM sequenced
  JOIN marts.lifecycle_stages AS stages
    ON stages.snapshot_date = $snapshot_date AND stages.customer_id = sequenced.customer_id
),
judged AS (
  SELECT
    moves.move,
    limited.customer_id,
    limited.occasion_on,
    CASE
      WHEN moves.move = 'first to active' AND limited.days_after <= 90 THEN 1
      WHEN moves.move = 'to defecting' AND coalesce(limited.days_after, limited.age_days) >= limited.defecting_days THEN 1
      WHEN moves.move = 'returned' AND limited.days_before >= limited.defecting_days THEN 1
      ELSE 0
    END AS moved
  FROM limited
  JOIN (VALUES ('first to active'), ('to defecting'), ('returned')) AS moves (move)
    ON (moves.move = 'first to active') = (limited.place = 1)
  WHERE limited.age_days >= CASE moves.move
      WHEN 'first to active' THEN 90
      WHEN 'to defecting' THEN limited.defecting_days
      ELSE 0
    END
),
-- Of occasions without the move the lowest digest, with the name of its day behind it.
drawn AS (
  SELECT
    move,
    customer_id,
    max(moved) AS moved,
    min(occasion_on) FILTER (WHERE moved = 1) AS moved_on,
    substring(min(md5(customer_id || '|' || occasion_on::VARCHAR) || occasion_on::VARCHAR), 33) AS drawn_day
  FROM judged
  GROUP BY move, customer_id
)
SELECT
  drawn.move,
  drawn.customer_id,
  CASE WHEN drawn.moved = 1 THEN drawn.moved_on ELSE days.day END AS occasion_on,
  drawn.moved
FROM drawn
JOIN params.days AS days ON days.day::VARCHAR = drawn.drawn_day
