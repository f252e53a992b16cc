/*
title: How often messages are clicked, by level
draw: {dots: level, value: clicked_share, band: [low, high], title: "clicked (95% interval)"}
columns:
  level: Level
  clicked_share: {label: Of messages clicked, kind: percent, interval: [low, high]}
  click_rate: {label: "Expected of the next message", kind: percent}
  delivered: {label: Messages delivered, kind: count}
  clicked: {label: Clicked, kind: count}
  customers: {label: Customers, kind: count}
let:
  best: max_by(rows, click_rate)
  least: min_by(rows, click_rate)
  delivered: sum(delivered)::BIGINT
hover: "{{ level }}<br>{{ clicked_share|percent }} of {{ delivered|counted('message') }}"
sentence: >-
  {% if known.prior_weight is none %}Customers cannot be told apart by their clicks: expect {{
  known.base_click_rate|percent }} of the next message from everybody.{% else %}Of the next message expect
  {{ best.click_rate|percent }} clicks of customers who are {{ best.level|lower }} and {{ least.click_rate|percent }} of
  those who are {{ least.level|lower }}. Levels are based on clicks, among others, so past rates differ more than the next
  ones will.{% endif %}
empty: No level has 30 messages delivered to ten customers yet.
basis: n = {{ delivered|counted("message") }} · {{ known.first_on|span(snapshot_date) }}
*/
WITH summed AS (
  SELECT
    level, sum(delivered)::BIGINT AS delivered, sum(clicked)::BIGINT AS clicked, avg(click_rate) AS click_rate,
    count(*) AS customers
  FROM marts.engagement
  WHERE snapshot_date = $snapshot_date AND delivered > 0
  GROUP BY level
),
ends AS (
  SELECT
    *,
    (clicked + 1.9208) / (delivered + 3.8416) AS centre,
    1.96 * sqrt(clicked * (delivered - clicked) / delivered + 0.9604) / (delivered + 3.8416) AS reach
  FROM summed
)
SELECT
  levels.label AS level,
  ends.clicked / ends.delivered::DOUBLE AS clicked_share,
  greatest(ends.centre - ends.reach, 0) AS low,
  least(ends.centre + ends.reach, 1) AS high,
  ends.click_rate, ends.delivered, ends.clicked, ends.customers
FROM ends
JOIN levels ON levels.level = ends.level
WHERE ends.customers >= 10 AND ends.delivered >= 30
ORDER BY levels.place
