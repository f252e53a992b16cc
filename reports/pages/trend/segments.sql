/*
title: By segment
draw: {bars: bar, stack: share, series: {growing: better, stable: pale, declining: worse}}
columns:
  segment: {label: Segment, kind: text, audience: {folder: "{{ facts.catalogue }}", key: audience}}
  with_trend: {label: With a trend, kind: count}
  growing:
  stable:
  declining:
  bar: {hidden: true, say: sized}
hidden: [everybody, audience]
let:
  tested: max(everybody)
  compared: sum(with_trend)::BIGINT
hover: "{{ segment }}<br>{{ series }}: {{ value|counted('customer') }}"
sentence: "{{ rows|trend_by_segment }}"
empty: No group has 20 customers with a trend, too few to compare shares.
basis: >-
  n = {{ tested|counted("customer") }} with a trend ·{% if tested > compared %} {{ (tested - compared)|count }} of them in
  groups of fewer than 20, which are left out ·{% endif %} {{ base.prior_from|span(snapshot_date) }}
*/
WITH groups AS (
  SELECT DISTINCT segment, segment_rank, label
  FROM marts.segment_catalogue
  WHERE snapshot_date = $snapshot_date AND catalogue = (SELECT catalogue FROM params.settings)
),
tested AS (
  SELECT members.segment, trend.activity_trend
  FROM marts.rfm_segments AS members
  JOIN marts.activity_trend AS trend
    ON trend.snapshot_date = members.snapshot_date AND trend.customer_id = members.customer_id
  WHERE members.snapshot_date = $snapshot_date AND members.catalogue = (SELECT catalogue FROM params.settings)
    AND trend.activity_trend IN ('growing', 'stable', 'declining')
)
SELECT
  {'name': groups.label, 'n': count(*)} AS bar,
  groups.label AS segment,
  count(*) AS with_trend,
  count(*) FILTER (tested.activity_trend = 'growing') AS growing,
  count(*) FILTER (tested.activity_trend = 'stable') AS stable,
  count(*) FILTER (tested.activity_trend = 'declining') AS declining,
  (SELECT count(*) FROM tested) AS everybody,
  groups.segment AS audience
FROM groups
JOIN tested ON tested.segment = groups.segment
GROUP BY groups.segment, groups.label, groups.segment_rank
HAVING count(*) >= 20
ORDER BY groups.segment_rank
