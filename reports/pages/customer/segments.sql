/*
title: Segments so far
draw: table
columns:
  customer_id: {hidden: true}
  segment: {label: Segment, kind: text}
  changed_on: {label: Since, kind: date}
  previous: {label: Before, missing: not known}
let:
  changes: count(*)
  first: min(changed_on)
basis: n = {{ changes|counted("entry", "entries") }} · {{ first|span(snapshot_date) }}
*/
WITH labels AS (
  SELECT profiles.segment, profiles.label, profiles.catalogue
  FROM marts.segment_profiles AS profiles
  JOIN params.settings AS settings ON settings.catalogue = profiles.catalogue
  WHERE profiles.snapshot_date = $snapshot_date
)
SELECT changes.customer_id, now.label AS segment, changes.snapshot_date AS changed_on, before.label AS previous
FROM marts.segment_changes AS changes
JOIN labels AS now ON now.segment = changes.segment AND now.catalogue = changes.catalogue
LEFT JOIN labels AS before ON before.segment = changes.previous_segment
WHERE changes.snapshot_date <= $snapshot_date AND changes.customer_id IN (SELECT unnest($customer_ids))
  AND changes.changed_on = changes.snapshot_date
QUALIFY row_number() OVER (PARTITION BY changes.customer_id ORDER BY changes.snapshot_date DESC) <= 20
ORDER BY changes.customer_id, changes.snapshot_date DESC
