/*
title: Days from one visit to the next
term: gaps-between-visits
each: {key: grouping, label: grouping_label}
draw: {dots: label, value: median_days, band: [median_low, median_high], title: "days until half came again (95% interval)"}
columns:
  label: Visits
  p25_days: A quarter came again by day
  median_days: {label: Half, interval: [median_low, median_high]}
  p75_days: Three quarters
  gaps: {label: Visits watched, kind: count}
  ended: {label: Followed by another, kind: count}
hidden: [grouping, grouping_label, is_selected, group_name]
let:
  least: min_by(rows, median_days)
  most: max_by(rows, median_days)
  watched: sum(gaps) FILTER (group_name <> 'all')::BIGINT
  shop: max_by(rows, group_name = 'all')
hover: "{{ label }}<br>half by day {{ median_days|count }}<br>{{ gaps|counted('visit') }}"
sentence: >-
  {% if grouping == "channel" and shop.group_name == "all" %}Half of all visits are followed by another within
  {{ shop.median_days|counted("day") }}{% if shop.p75_days is not none %}, three quarters within {{ shop.p75_days|count }}:
  who has been away longer than that is worth a reminder{% endif %}.{% else %}Half came again soonest if
  {{ least.label|lower }} (day {{ least.median_days|count }}), latest if {{ most.label|lower }}
  (day {{ most.median_days|count }}). Levels are read off the last visit, so this describes them and foretells
  nothing.{% endif %}
empty: >-
  {% if not visits %}No visits yet. An export of the web shop's visits, with the customer of each, would show how
  long they take to come again.{% else %}In no group half of the visits were followed by another yet.{% endif %}
basis: n = {{ watched|counted("visit") }} · {{ visits.first_on|span(snapshot_date) }}
*/
WITH names (name, label) AS (
  VALUES
    ('all', 'All visits'), ('email', 'By e-mail'), ('sms', 'By SMS'), ('push', 'By push'), ('unknown', 'Not recorded'),
    ('direct', 'Direct'), ('paid_search', 'Paid search'), ('paid_social', 'Paid social'),
    ('organic_search', 'Organic search'), ('organic_social', 'Organic social')
)
SELECT
  CASE gaps.grouping WHEN 'level' THEN 'level' ELSE 'channel' END AS grouping,
  CASE gaps.grouping WHEN 'level' THEN 'By level' ELSE 'By channel' END AS grouping_label,
  coalesce(names.label, levels.label, replace(gaps.group_name, '_', ' ')) AS label,
  gaps.p25_days, gaps.median_days, gaps.median_low, gaps.median_high, gaps.p75_days, gaps.gaps, gaps.ended,
  gaps.is_selected, gaps.group_name
FROM marts.engagement_gaps AS gaps
LEFT JOIN names ON names.name = gaps.group_name
LEFT JOIN levels ON levels.level = gaps.group_name
WHERE gaps.snapshot_date = $snapshot_date AND gaps.median_days IS NOT NULL
ORDER BY gaps.grouping = 'level', gaps.grouping = 'channel', gaps.median_days, gaps.group_name
