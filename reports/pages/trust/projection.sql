/*
title: Was the projection of the lifecycle right
term: projection
caption: "Revenue of single months: projected, and what came"
draw:
  columns: month
  series: {actual: {colour: accent, name: Seen}, projected: {colour: part-2, name: Expected}}
  titles: [Month of 30 days to, ""]
columns:
  ends_on: Month to
  projected: Projected
  low: "95% interval: from"
  high: to
  actual: Came
  mean_before: Mean of the 12 months before
  is_inside: Inside
hidden: [month, begins_on]
hover: "Month to {{ month }}: projected {{ low|money }} to {{ high|money }}<br>{{ series }}: {{ shown }}"
sentence: "{{ facts.predictions.backtest }}"
empty: ""
basis: >-
  n = {{ rows|length|counted("month") }} · each projected from the 12 before it ·
  {{ rows[0].begins_on|span(rows[-1].ends_on) }}
*/
SELECT
  ends_on, projected, low, high, actual, mean_before, is_inside, strftime(ends_on, '%-d %b %Y') AS month,
  begins_after + 1 AS begins_on
FROM marts.projection_backtest
WHERE snapshot_date = $snapshot_date
ORDER BY ends_on
