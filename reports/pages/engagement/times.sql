/*
title: When customers visit on their own
term: send-times
each: {key: dimension, label: dimension_label}
draw: {columns: part, series: {share: accent}, target: even}
columns:
  part: {label: "{{ 'Hour' if dimension == 'daypart' else 'Day' }}", kind: text}
  share: {label: Of all, kind: percent}
  even: {label: If all were alike, kind: percent}
  actions: {label: Visits and opens, kind: count}
hidden: [dimension, dimension_label, place, n, customers_differ]
let:
  best: max_by(rows, share)
legend: {Of all: accent, If all were alike: ink}
hover: "{{ part }}<br>{{ shown }} of all; {{ even|percent }} if all were alike"
sentence: >-
  Most come {{ "on " ~ best.part if dimension == "weekday" else "at " ~ best.part ~ " h" }}: {{ best.share|percent }}, where
  {{ best.even|percent }} would if all were alike (the bar across). {% if customers_differ
  %}Customers differ by more than chance: send by their own times.{% else %}Customers do not differ by more than chance: one
  time will do for all of them.{% endif %}
empty: >-
  No visit is known that no message prompted. An export of the web shop's visits, with customer and time, would show when
  customers come by themselves.
basis: n = {{ n|counted("action") }} · {{ times_from|span(snapshot_date) }}
*/
WITH parts (dimension, part, label) AS (
  VALUES ('daypart', 0, '0–3'), ('daypart', 1, '3–6'), ('daypart', 2, '6–9'), ('daypart', 3, '9–12'),
    ('daypart', 4, '12–15'), ('daypart', 5, '15–18'), ('daypart', 6, '18–21'), ('daypart', 7, '21–24'),
    ('weekday', 0, 'Mon'), ('weekday', 1, 'Tue'), ('weekday', 2, 'Wed'), ('weekday', 3, 'Thu'),
    ('weekday', 4, 'Fri'), ('weekday', 5, 'Sat'), ('weekday', 6, 'Sun')
)
SELECT
  times.dimension,
  CASE times.dimension WHEN 'daypart' THEN 'Hours' ELSE 'Days' END AS dimension_label,
  parts.label AS part,
  times.share,
  CASE times.dimension WHEN 'daypart' THEN 1 / 8 ELSE 1 / 7 END AS even,
  times.actions,
  times.part AS place,
  times.n,
  coalesce(fit.differs, FALSE) AS customers_differ
FROM marts.send_times AS times
JOIN parts ON parts.dimension = times.dimension AND parts.part = times.part
LEFT JOIN marts.preference_fit AS fit
  ON fit.snapshot_date = times.snapshot_date AND fit.preference = times.dimension AND fit.level = 'customer'
WHERE times.snapshot_date = $snapshot_date AND times.scope = 'base'
ORDER BY times.dimension, times.part
