/*
title: Key figures by month
term: key-figures
each: {key: kpi, label: name}
draw:
  columns: starts_on
  series: {value: {colour: accent, name: Value}}
  paler: is_not_whole
  target: target
columns:
  month: Month
  value: {label: "{{ name }}", kind_by: kind}
  rests_on: {label: n, kind: count}
  target: {label: Target, kind_by: kind}
  status: Status
  starts_on: {kind: month, hidden: true}
hidden: [kpi, name, kind, is_open, is_complete, is_not_whole, previous_value, year_earlier_value]
let:
  last: max_by(rows, starts_on) FILTER (is_complete AND value IS NOT NULL)
  open: max_by(rows, starts_on) FILTER (is_open)
hover: >-
  {{ month }}<br>{{ name }} {{ shown }}{% if target is not none %}<br>Target {{ target|show(kind) }}: {{ status }}
  {%- endif %}
legend: {"{% if targets.given %}Value{% endif %}": accent, "{% if targets.given %}Target{% endif %}": ink}
sentence: "{{ last|kpi_sentence(open, currency) }}"
empty: No order has been booked yet.
basis: n = {{ orders|counted("order") }} · {{ facts.range }}
*/
WITH months AS (
  SELECT
    *,
    dense_rank() OVER (ORDER BY starts_on DESC) AS newest,
    count(target) OVER (PARTITION BY kpi) AS targets
  FROM periods
  WHERE period_kind = 'month'
)
SELECT
  strftime(starts_on, '%b %Y')
    || CASE WHEN is_open THEN ' (not over)' WHEN is_complete THEN '' ELSE ' (not whole)' END AS month,
  value, rests_on, target, status, starts_on, kpi, name, kind, is_open, is_complete,
  NOT is_complete AS is_not_whole,
  previous_value, year_earlier_value
FROM months
WHERE newest <= 24 AND (is_always_shown OR targets > 0)
ORDER BY place, starts_on
