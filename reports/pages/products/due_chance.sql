/*
title: How much a due date says
each: {key: level, label: level_label}
draw: {dots: elapsed, value: share, band: [low, high], title: "bought within 30 days (95% interval)"}
columns:
  elapsed: Time since the last purchase
  share: {label: Bought within 30 days, kind: percent, interval: [low, high]}
  pairs: {label: Pairs watched, kind: count}
  bought: {label: Of these, kind: count}
hidden: [level, level_label, ratio_class, all_pairs, near, overdue]
let:
  first: min_by(rows, ratio_class)
  best: max_by(rows, share)
hover: "{{ elapsed }}<br>{{ share|percent }} of {{ pairs|counted('pair') }}"
sentence: >-
  {% if first.overdue is none %}{{ best.share|percent }} bought the item within 30 days where the last purchase was
  {{ best.elapsed }} ago.{% else %}Of those past twice their usual gap, {{ first.overdue|percent }} bought the item
  within 30 days; of those within it, {{ first.near|percent }}. Overdue is not due: choose by the chance, not by the
  date.{% endif %}
basis: n = {{ all_pairs|counted("pair") }} of a customer and an item · {{ again.origin|span(snapshot_date) }}
*/
WITH classes AS (
  SELECT level, ratio_class, sum(pairs)::BIGINT AS pairs, sum(bought)::BIGINT AS bought
  FROM marts.replenishment_cells
  WHERE snapshot_date = $snapshot_date AND status = 'ok'
  GROUP BY level, ratio_class
),
ends AS (
  SELECT
    *,
    bought / pairs AS share,
    (bought + 1.9208) / (pairs + 3.8416) AS centre,
    1.96 * sqrt(bought * (pairs - bought) / pairs + 0.9604) / (pairs + 3.8416) AS reach
  FROM classes
  WHERE pairs >= 30
),
told (ratio_class, elapsed) AS (
  VALUES (0, 'up to ¼ of the usual gap'), (1, '¼ to ½'), (2, '½ to 1'), (3, '1 to 1½ usual gaps'), (4, '1½ to 2'),
    (5, '2 to 3'), (6, '3 to 5'), (7, 'more than 5')
)
SELECT
  ends.level,
  CASE ends.level WHEN 'product' THEN 'Products' ELSE 'Categories' END AS level_label,
  told.elapsed, ends.ratio_class, ends.share,
  greatest(ends.centre - ends.reach, 0) AS low,
  least(ends.centre + ends.reach, 1) AS high,
  ends.pairs, ends.bought,
  sum(ends.pairs) OVER levels::BIGINT AS all_pairs,
  sum(ends.bought) FILTER (ends.ratio_class <= 2) OVER levels / sum(ends.pairs) FILTER (ends.ratio_class <= 2) OVER levels AS near,
  sum(ends.bought) FILTER (ends.ratio_class >= 5) OVER levels
  / sum(ends.pairs) FILTER (ends.ratio_class >= 5) OVER levels AS overdue
FROM ends
JOIN told USING (ratio_class)
WINDOW levels AS (PARTITION BY ends.level)
ORDER BY ends.level DESC, ends.ratio_class
