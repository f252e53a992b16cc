/*
title: Attribution by channel
term: credit
draw:
  bars: channel
  series: {last_touch: accent, first_touch: part-2, linear: part-3, as_recorded: pale}
  only: is_named
columns:
  channel: {label: Channel, say: channel_name}
  last_touch: {label: Last visit, kind: money}
  first_touch: {label: First visit, kind: money}
  linear: {label: All visits alike, kind: money}
  position_based: {label: First and last most, kind: money}
  time_decay: {label: Late visits more, kind: money}
  markov1: {label: What a chain would lose, kind: money}
  shapley: {label: Evenly over channels, kind: money}
  as_recorded: {label: As the shop recorded it, kind: money}
  after_action: {label: "Whole to every channel, adds up to more than there is", kind: money}
  paths: {label: Orders with such a visit, kind: count}
hidden: [is_named, unnamed, least, most]
let:
  apart: max_by(rows, CASE WHEN is_named THEN most - least ELSE -1 END)
  named: count(*) FILTER (is_named)
  all_revenue: sum(last_touch)
  unnamed: sum(last_touch) FILTER (unnamed)
hover: "{{ channel|channel_name }}<br>{{ series }}: {{ shown }}"
sentence: >-
  Attributed, not caused, over all orders since {{ ascribed.first_on|short_day }}: no model knows which orders would have
  come anyway.{% if named %} They differ most on {{ apart.channel|channel_name }}, which is given {{ apart.least|money }} to {{ apart.most|money }}.{% endif %}{% if unnamed %} For
  {{ unnamed|share_of(all_revenue)|percent }} of revenue the source of the visit is not recorded: tag links first.{% endif %} To
  know what a channel brings, pause it for members drawn at random.
empty: >-
  No customer's visit is known. An export of the web shop's visits, with the source and medium of each, would show by
  which channels customers came before they ordered.
basis: n = {{ ascribed.orders|counted("order") }} · {{ ascribed.first_on|span(snapshot_date) }}
*/
WITH models AS (
  SELECT
    channel,
    max(revenue) FILTER (model = 'last_touch') AS last_touch,
    max(revenue) FILTER (model = 'first_touch') AS first_touch,
    max(revenue) FILTER (model = 'linear') AS linear,
    max(revenue) FILTER (model = 'position_based') AS position_based,
    max(revenue) FILTER (model = 'time_decay') AS time_decay,
    max(revenue) FILTER (model = 'markov1') AS markov1,
    max(revenue) FILTER (model = 'shapley') AS shapley,
    max(revenue) FILTER (model = 'as_recorded') AS as_recorded,
    max(revenue) FILTER (model = 'after_action') AS after_action,
    max(paths) AS paths,
    min(revenue) FILTER (is_additive) AS least,
    max(revenue) FILTER (is_additive) AS most
  FROM marts.channel_attribution
  WHERE snapshot_date = $snapshot_date
  GROUP BY channel
)
SELECT
  channel, last_touch, first_touch, linear, position_based, time_decay, markov1, shapley, as_recorded, after_action, paths,
  channel NOT IN ('(none)', 'unknown') AS is_named,
  channel = 'unknown' AS unnamed,
  least, most
FROM models
WHERE greatest(last_touch, first_touch, linear, as_recorded, after_action) > 0
ORDER BY is_named DESC, as_recorded DESC NULLS LAST, last_touch DESC NULLS LAST, channel
