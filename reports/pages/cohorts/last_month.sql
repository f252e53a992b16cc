/*
title: The last whole month
draw: table
columns:
  kpi: {label: Key figure, kind: text}
  value: {label: "{{ month }}", kind_by: kind}
  rests_on: {label: n, kind: count}
  target: {label: Target, kind_by: kind, missing: –}
  status: Status
  previous_value: {label: Month before, kind_by: kind, missing: –}
  trend: {missing: –}
  year_earlier_value: {label: Year earlier, kind_by: kind, missing: –}
  trend_to_year_earlier: {label: Trend, missing: –}
hidden: [kind, month]
let:
  month: any_value(month)
basis: orders {{ facts.range }}
note: >-
  Trend: better, worse or the same as the month before and the year before, where both are whole. Small changes may be
  chance. Back within 90 days is known once all new buyers of the month had that long.
*/
SELECT
  name AS kpi, value, rests_on, target, status, previous_value, trend, year_earlier_value, trend_to_year_earlier, kind,
  strftime(starts_on, '%B %Y') AS month
FROM periods
WHERE period_kind = 'month'
QUALIFY starts_on = max(starts_on) FILTER (is_complete) OVER ()
ORDER BY place
