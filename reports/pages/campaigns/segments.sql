/*
title: Effect by segment
term: response-by-segment
each: {key: dimension, label: dimension_label}
draw: {dots: segment, value: shrunk, band: [shrunk_low, shrunk_high], beside: 0, title: "difference, drawn to the mean (95% interval)"}
columns:
  segment: Segment
  shrunk: {label: "Difference, drawn towards the mean", kind: points, interval: [shrunk_low, shrunk_high]}
  effect: {label: As counted, kind: points}
  treated: {label: Got it, kind: count}
  control: {label: Control group, kind: count}
  p_holm: {label: "Chance, if segments were equal", kind: percent}
hidden: [dimension, dimension_label, says]
let:
  members: sum(treated + control)::BIGINT
hover: "{{ segment }}<br>{{ shown }} expected, {{ effect|show('points') }} as counted<br>{{ treated|count }} got it, {{ control|count }} did not"
sentence: "{{ rows|uplift_segments_sentence }}"
basis: n = {{ members|counted("member") }} · {{ facts.last_year }}
*/
WITH labels AS (
  SELECT DISTINCT catalogue AS dimension, segment, label
  FROM marts.segment_catalogue
  WHERE snapshot_date = $snapshot_date
  UNION ALL
  SELECT dimension, segment, label
  FROM (VALUES ('lifecycle', 'defecting', 'Lapsing'), ('lifecycle', 'inactive', 'Lapsed')) AS stages (dimension, segment, label)
)
SELECT
  uplift.dimension,
  CASE uplift.dimension WHEN 'lifecycle' THEN 'Lifecycle' ELSE 'Segments' END AS dimension_label,
  coalesce(
    labels.label, upper(substr(uplift.segment, 1, 1)) || replace(replace(substr(uplift.segment, 2), '_', ' '), '-', ' ')
  ) AS segment,
  uplift.shrunk, uplift.shrunk_low, uplift.shrunk_high, uplift.effect, uplift.treated, uplift.control, uplift.p_holm,
  uplift.says
FROM marts.campaign_uplift_segments AS uplift
LEFT JOIN labels ON labels.dimension = uplift.dimension AND labels.segment = uplift.segment
WHERE uplift.snapshot_date = $snapshot_date AND uplift.campaign_id = '(all)' AND uplift.metric = 'conversion'
  AND uplift.dimension IN ('lifecycle', (SELECT catalogue FROM params.settings))
ORDER BY uplift.dimension = 'lifecycle' DESC, uplift.shrunk DESC, uplift.segment
