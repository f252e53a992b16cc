/*
title: More than chance?
term: q-value
draw: {bars: activity_trend, series: {found: accent, by_chance: part-2}, only: is_change}
columns:
  activity_trend: {label: Trend, audience: {folder: signals, key: signal}}
  found: {label: Found, kind: count}
  by_chance: {kind: number}
hidden: [is_change, signal]
let:
  tested: sum(found)
hover: "{{ activity_trend }}, {{ series|lower }}: {{ value|expected }}"
sentence: "{{ rows|chance_sentence }}"
empty: Nobody has a trend.
basis: n = {{ tested|counted("customer") }} with a trend · {{ base.prior_from|span(snapshot_date) }}
*/
SELECT
  trends.label AS activity_trend,
  summary.customers AS found,
  summary.by_chance,
  summary.activity_trend <> 'stable' AS is_change,
  CASE WHEN summary.activity_trend <> 'stable' THEN summary.activity_trend END AS signal
FROM marts.activity_trend_summary AS summary
JOIN trends ON trends.activity_trend = summary.activity_trend
WHERE summary.snapshot_date = $snapshot_date AND summary.by_chance IS NOT NULL
ORDER BY trends.place
