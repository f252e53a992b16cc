/*
title: Repeat purchases, week by week
term: holdouts
views:
  week:
    label: By week
    draw: &lines
      lines: week_ends_on
      series: {actual: {colour: accent, name: Seen}, expected: {colour: part-2, name: Expected, dash: true}}
      shade: is_holdout
    sentence: "{{ seen|tracking_sentence(expected, weeks, last.model) }}"
  sum:
    label: Added up
    draw:
      <<: *lines
      series: {actual_cumulative: {colour: accent, name: Seen}, expected_cumulative: {colour: part-2, name: Expected, dash: true}}
    sentence: "{{ last.actual_cumulative|cumulative_sentence(last.expected_cumulative, last.week_ends_on) }}"
columns:
  week_ends_on: Week to
  is_holdout: Not seen by the model
  actual: Came
  expected: Expected
  actual_cumulative: Came so far
  expected_cumulative: Expected so far
hidden: [model]
let:
  seen: sum(actual) FILTER (is_holdout)
  expected: sum(expected) FILTER (is_holdout)
  weeks: count(*) FILTER (is_holdout)
  last: max_by(rows, week_ends_on)
legend: {Seen: accent, Expected: part-2, "{% if weeks %}Weeks the model had not seen{% endif %}": soft}
basis: >-
  n = {{ last.actual_cumulative|counted("repeat purchase") }} · {{ last.model|model_name }}, from the days of first purchases
  alone · orders {{ facts.range }}
*/
SELECT week_ends_on, is_holdout, actual, expected, actual_cumulative, expected_cumulative, model
FROM marts.tracking
WHERE snapshot_date = $snapshot_date
ORDER BY week
