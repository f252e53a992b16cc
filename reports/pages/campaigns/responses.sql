/*
title: Clicks by programme and segment
each: {key: programme, label: name}
draw: {dots: segment, value: clicked, band: [clicked_low, clicked_high], title: "clicked (95% interval)"}
columns:
  segment: Segment
  contacts: {label: Members, kind: count}
  opened: {label: Opened, kind: percent}
  clicked: {label: Clicked, kind: percent, interval: [clicked_low, clicked_high]}
  expected: {label: "Clicks expected next time", kind: percent}
  bought: {label: "Bought, not caused", kind: percent}
hidden: [programme, name, differs]
let:
  contacts: sum(contacts)::BIGINT
  best: max_by(rows, expected)
  least: min_by(rows, expected)
  segments_differ: bool_or(differs)
hover: "{{ segment }}<br>{{ shown }} clicked, {{ contacts|counted('member') }}"
sentence: >-
  {% if segments_differ %}Expect {{ best.expected|percent }} clicks of {{ best.segment|lower }} and {{ least.expected|percent }} of
  {{ least.segment|lower }}.{% else %}No segment is shown to click more than others: choose by what a customer is worth.{% endif %}
basis: n = {{ contacts|counted("member") }} · {{ known.first_on|span(snapshot_date) }}
note: >-
  Intervals are of each segment alone: of many segments some lie apart by chance, the more so as who got several
  messages counts in each. Who bought after a message mostly would have without it; for whom messages made a difference
  stands above.
file: {table: campaign_segments, where: all programmes}
*/
WITH told AS (
  SELECT *, max(contacts) OVER (PARTITION BY programme) AS size
  FROM marts.campaign_segments
  WHERE snapshot_date = $snapshot_date
),
largest AS (
  SELECT programme, row_number() OVER (ORDER BY max(size) DESC, programme) AS place
  FROM told
  GROUP BY programme
),
labels AS (
  SELECT DISTINCT segment, label
  FROM marts.segment_catalogue
  WHERE snapshot_date = $snapshot_date AND catalogue = 'grid'
)
SELECT
  told.programme,
  upper(left(told.programme, 1)) || replace(substr(told.programme, 2), '-', ' ') AS name,
  coalesce(
    labels.label, upper(substr(told.segment, 1, 1)) || replace(substr(told.segment, 2), '_', ' ')
  ) AS segment,
  max(told.contacts) FILTER (told.metric = 'clicked') AS contacts,
  max(told.share) FILTER (told.metric = 'opened') AS opened,
  max(told.share) FILTER (told.metric = 'clicked') AS clicked,
  max(told.share_low) FILTER (told.metric = 'clicked') AS clicked_low,
  max(told.share_high) FILTER (told.metric = 'clicked') AS clicked_high,
  max(told.shrunk_share) FILTER (told.metric = 'clicked') AS expected,
  max(told.share) FILTER (told.metric = 'bought') AS bought,
  bool_or(told.metric = 'clicked' AND told.prior_weight IS NOT NULL) AS differs
FROM told
JOIN largest ON largest.programme = told.programme
LEFT JOIN labels ON labels.segment = told.segment
WHERE largest.place <= 8 AND told.segment <> '(all)'
GROUP BY largest.place, told.programme, told.segment, labels.label
HAVING count(*) FILTER (told.metric = 'clicked') > 0
ORDER BY largest.place, clicked DESC, told.segment
