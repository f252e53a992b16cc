/*
title: Programmes in their last quarter
each: {key: metric, label: metric_label}
draw: {dots: programme, value: mean, band: [mean_low, mean_high], beside: 0, title: "mean difference (95% interval)"}
columns:
  programme: Programme
  quarter: {label: Quarter, say: quarter}
  campaigns: {label: Campaigns, kind: count}
  mean: {label: Mean difference, kind_by: kind, interval: [mean_low, mean_high]}
  change: {label: Against the quarter before, kind_by: kind, interval: [change_low, change_high]}
hidden: [metric, metric_label, kind, says, members]
let:
  best: max_by(rows, mean_low)
  more: count(*) FILTER (says = 'more')
  less: count(*) FILTER (says = 'less')
  members: sum(members)::BIGINT
hover: "{{ programme }}, {{ quarter|quarter }}<br>{{ shown }} ({{ mean_low|show(kind) }} to {{ mean_high|show(kind) }})<br>{{ campaigns|counted('campaign') }}"
sentence: >-
  {% if best.mean_low > 0 %}{{ best.programme }} caused the most in {{ best.quarter|quarter }}: {%
  if best.kind == "points" %}{{ best.mean|points }} more of its members bought{% else %}{{ best.mean|show(best.kind) }} a member{% endif %}.{% else %}No programme is shown
  to have caused anything.{% endif %} {% if more or less %}Against the quarter before, {{ more|count }} got better and
  {{ less|count }} worse.{% else %}None is shown to have changed from the quarter before.{% endif %}
basis: n = {{ members|counted("member") }} · {{ known.first_on|span(snapshot_date) }}
file: {table: programme_comparison, where: all quarters}
*/
WITH latest AS (
  SELECT *, row_number() OVER (PARTITION BY metric, programme ORDER BY quarter DESC) AS age
  FROM marts.programme_comparison
  WHERE snapshot_date = $snapshot_date AND metric IN ('conversion', 'spend')
)
SELECT
  metric,
  CASE metric WHEN 'spend' THEN 'What members spent' ELSE 'Who bought' END AS metric_label,
  CASE metric WHEN 'spend' THEN 'money' ELSE 'points' END AS kind,
  upper(left(programme, 1)) || replace(substr(programme, 2), '-', ' ') AS programme,
  quarter, campaigns, mean, mean_low, mean_high, change, change_low, change_high, says,
  treated + control AS members
FROM latest
WHERE age = 1
ORDER BY metric, mean DESC, programme
