/*
title: The last whole month
draw: table
columns:
  kpi: {label: Key figure, kind: text}
  value: {label: "{{ month }}", kind_by: kind}
  rests_on: {label: n, kind: count}
  target: {label: Target, kind_by: kind, missing: –}
  status: {label: Status, missing: –}
  previous_value: {label: Month before, kind_by: kind, missing: –}
  change: {kind_by: change_kind, missing: –}
  year_earlier_value: {label: Year earlier, kind_by: kind, missing: –}
  change_to_year_earlier: {label: Change, kind_by: change_kind, missing: –}
hidden: [kind, change_kind, month]
let:
  month: any_value(month)
basis: orders {{ facts.range }}
note: >-
  Change: against the month before and the year before, where both are whole; of shares in points. Small changes may be
  chance. Repeat: at least two purchases by the end of the month, so a first-time buyer may be one. Back within 90 days is known once all new buyers of the month had that long.
*/
SELECT
  name AS kpi, value, rests_on, target,
  nullif(status, 'no target') AS status,
  previous_value,
  (CASE kind WHEN 'percent' THEN value - previous_value ELSE value / nullif(previous_value, 0) - 1 END)::DOUBLE AS change,
  year_earlier_value,
  (CASE kind WHEN 'percent' THEN value - year_earlier_value ELSE value / nullif(year_earlier_value, 0) - 1 END)::DOUBLE
    AS change_to_year_earlier,
  kind,
  CASE kind WHEN 'percent' THEN 'points' ELSE 'growth' END AS change_kind,
  strftime(starts_on, '%B %Y') AS month
FROM periods
WHERE period_kind = 'month'
QUALIFY starts_on = max(starts_on) FILTER (is_complete) OVER ()
ORDER BY place
