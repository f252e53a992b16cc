/*
title: How much the rate changed
term: shrunken-ratio
draw: table
columns:
  ratio: Rate ratio
  growing:
  stable:
  declining:
let:
  tested: sum(growing + stable + declining)
  moved: sum(growing + stable + declining) FILTER (ratio <> '0.8 to 1.25')
  told_apart: sum(growing + declining)
sentence: >-
  {{ moved|count }} of {{ tested|counted("customer") }} with enough purchases bought at a rate at least a fifth lower or a
  quarter higher; for {{ told_apart|count }} of them chance does not explain it.
empty: Nobody has a trend.
basis: n = {{ tested|counted("customer") }} with a trend · {{ base.prior_from|span(snapshot_date) }}
*/
WITH bins (bin, ratio) AS (
  VALUES (0, 'Only before'), (1, 'under ¼'), (2, '¼ to ½'), (3, '½ to 0.8'), (4, '0.8 to 1.25'), (5, '1.25 to 2'),
    (6, '2 to 4'), (7, 'over 4'), (8, 'Only lately')
),
pairs AS (
  SELECT
    activity_trend, customers,
    CASE
      WHEN recent_occasions = 0 THEN 0
      WHEN prior_occasions = 0 THEN 8
      WHEN rate_ratio < 0.25 THEN 1
      WHEN rate_ratio < 0.5 THEN 2
      WHEN rate_ratio < 0.8 THEN 3
      WHEN rate_ratio <= 1.25 THEN 4
      WHEN rate_ratio <= 2 THEN 5
      WHEN rate_ratio <= 4 THEN 6
      ELSE 7
    END AS bin
  FROM marts.trend_pairs
  WHERE snapshot_date = $snapshot_date
)
SELECT
  bins.ratio,
  coalesce(sum(pairs.customers) FILTER (pairs.activity_trend = 'growing'), 0)::BIGINT AS growing,
  coalesce(sum(pairs.customers) FILTER (pairs.activity_trend = 'stable'), 0)::BIGINT AS stable,
  coalesce(sum(pairs.customers) FILTER (pairs.activity_trend = 'declining'), 0)::BIGINT AS declining
FROM bins
LEFT JOIN pairs ON pairs.bin = bins.bin
WHERE EXISTS (SELECT 1 FROM pairs)
GROUP BY bins.bin, bins.ratio
ORDER BY bins.bin
