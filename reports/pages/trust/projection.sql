/*
title: Was the projection of the lifecycle right?
term: projection
draw:
  lines: ends_on
  series: {projected: {colour: part-2, name: Projected, dash: true}, actual: {colour: accent, name: Came}}
  band: [low, high]
  titles: [Month of 30 days to, ""]
columns:
  ends_on: Month to
  projected: {label: Projected, interval: [low, high]}
  actual: Came
  mean_before: Mean of the 12 months before
  is_inside: Inside
hidden: [begins_on]
hover: "Month to {{ ends_on|short_day }}<br>{{ series }}: {{ shown }}<br>95% interval: {{ low|money }} to {{ high|money }}"
legend: {Came: accent, Projected: part-2, Its 95% interval: band}
sentence: "{{ facts.predictions.backtest }}"
basis: >-
  n = {{ rows|length|counted("month") }} · each projected from the 12 before it ·
  {{ rows[0].begins_on|span(rows[-1].ends_on) }}
*/
SELECT
  ends_on, projected, low, high, actual, mean_before, is_inside,
  begins_after + 1 AS begins_on
FROM marts.projection_backtest
WHERE snapshot_date = $snapshot_date
ORDER BY ends_on
