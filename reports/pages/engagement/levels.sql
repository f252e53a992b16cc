/*
title: Customers by level of engagement
term: engagement
draw:
  areas: as_of
  by: level
  value: customers
  colours: {Engaged: better, Fading: pale, Dormant: worse, Never acted: part-2, Too new: muted, No consent: unknown}
columns:
  as_of: {label: Day, kind: date}
  level: Level
  customers: {label: Customers and leads, kind: count}
  share: {label: Of all, kind: percent}
  meaning: What it means
hidden: [place]
let:
  everybody: sum(customers) FILTER (as_of = $snapshot_date)
  engaged: coalesce(sum(customers) FILTER (as_of = $snapshot_date AND level = 'Engaged'), 0)
  fading: coalesce(sum(customers) FILTER (as_of = $snapshot_date AND level = 'Fading'), 0)
  no_consent: coalesce(sum(customers) FILTER (as_of = $snapshot_date AND level = 'No consent'), 0)
  first_on: min(as_of)
  engaged_first: min_by(share, as_of) FILTER (level = 'Engaged')
sentence: >-
  {% if fading %}{{ fading|count }} {{ fading|were }} last active three to six months ago.
  {% endif %}{{ engaged|count }} of {{ everybody|count }} customers and leads are engaged{% if first_on < snapshot_date %}
  ({{ engaged|share_of(everybody)|percent }}; {{ engaged_first|percent }} on {{ first_on|short_day }}){% endif
  %}{% if no_consent %}; {{ no_consent|count }} may not be written to{% endif %}.
basis: n = {{ everybody|count }} customers and leads · {{ known.first_on|span(snapshot_date) }}
*/
SELECT
  engagement.snapshot_date AS as_of,
  levels.label AS level,
  count(*) AS customers,
  count(*) / sum(count(*)) OVER (PARTITION BY engagement.snapshot_date)::DOUBLE AS share,
  levels.meaning, levels.place
FROM marts.engagement AS engagement
JOIN levels ON levels.level = engagement.level
WHERE engagement.snapshot_date BETWEEN $snapshot_date - 365 AND $snapshot_date
GROUP BY engagement.snapshot_date, levels.label, levels.meaning, levels.place
ORDER BY engagement.snapshot_date DESC, levels.place
