/*
title: In the ten groups
caption: Trends in the ten groups
draw: {bars: segment, stack: share, series: {growing: better, stable: pale, declining: worse}}
columns:
  segment: {label: Segment, kind: text}
  growing:
  stable:
  declining:
let:
  tested: sum(growing + stable + declining)
hover: "{{ segment }}<br>{{ series }}: {{ value|counted('customer') }}"
sentence: "{{ rows|trend_by_segment }}"
empty: Nobody has a trend.
basis: n = {{ tested|counted("customer") }} with a trend · {{ base.prior_from|span(snapshot_date) }}
*/
WITH groups AS (
  SELECT DISTINCT segment, segment_rank, label
  FROM marts.segment_catalogue
  WHERE snapshot_date = $snapshot_date AND catalogue = 'grid'
),
trends AS (
  SELECT members.segment, trend.activity_trend
  FROM marts.rfm_segments AS members
  JOIN marts.activity_trend AS trend
    ON trend.snapshot_date = members.snapshot_date AND trend.customer_id = members.customer_id
  WHERE members.snapshot_date = $snapshot_date AND members.catalogue = 'grid'
    AND trend.activity_trend IN ('growing', 'stable', 'declining')
)
SELECT
  groups.label AS segment,
  count(*) FILTER (trends.activity_trend = 'growing') AS growing,
  count(*) FILTER (trends.activity_trend = 'stable') AS stable,
  count(*) FILTER (trends.activity_trend = 'declining') AS declining
FROM groups
LEFT JOIN trends ON trends.segment = groups.segment
WHERE EXISTS (SELECT 1 FROM trends)
GROUP BY groups.label, groups.segment_rank
ORDER BY groups.segment_rank
