/*
title: Bought together more often than chance
term: lift
each: {key: level, label: level_label}
draw: {dots: pair, value: lift, band: [lift_low, lift_high], beside: 1, title: "times as often as expected (90% interval)"}
columns:
  pair: Pair
  lift: {label: Times as often, interval: [lift_low, lift_high, 90%]}
  baskets: Baskets with both
  expected: {label: Expected, kind: number}
  customers: Customers
  confidence: Of the baskets with the first
  other_confidence: Of those with the second
  begins: {label: "Bought first, whatever the season"}
hidden: [level, level_label, first_name, second_name, all_pairs, tests, counted]
let:
  best: max_by(rows, lift_low)
  shown: count(*)
hover: >-
  {{ pair }}<br>{{ baskets|counted('basket') }} with both, {{ expected|number(1) }} expected
  <br>{{ confidence|percent }} of the baskets with {{ first_name }}<br>{{ other_confidence|percent }} of those with {{ second_name }}
sentence: >-
  {{ best.first_name }} and {{ best.second_name }} go together most: {{ best.baskets|counted("basket") }} of
  {{ best.customers|counted("customer") }} hold both, where {{ best.expected|number(1) }} would be expected from how much each is
  bought and from the sizes of baskets. {{ best.all_pairs|counted("pair") }} of {{ best.tests|count }} that were tested
  go together{% if best.all_pairs > shown %}; the first {{ shown }} are shown{% endif %}.
empty: >-
  {% if not baskets.counted %}No basket of a customer names products or categories.{% elif baskets.eligible < 2 %}Fewer than
  two items are in 20 baskets of 10 customers, so no pair can be told from chance ({{ baskets.counted|counted("basket") }}).
  {%- else %}Of {{ baskets.tests|counted("pair") }} of items that are bought often enough, none is in baskets more often
  than the sizes of the {{ baskets.counted|counted("basket") }} make two items be.{% endif %}
basis: >-
  n = {{ counted|counted("basket") }} · times as often: (baskets + 10) / (expected + 10), so that pairs that are rarely seen
  do not lead · {{ known.first_on|span(snapshot_date) }}
*/
WITH labelled AS (
  SELECT
    affinity.*,
    coalesce(first_names.label, affinity.item) AS first_name,
    coalesce(second_names.label, affinity.other) AS second_name,
    back.confidence AS other_confidence,
    row_number() OVER (
      PARTITION BY affinity.level, least(affinity.item, affinity.other), greatest(affinity.item, affinity.other)
      ORDER BY affinity.confidence DESC, affinity.item
    ) AS direction
  FROM marts.product_affinity AS affinity
  LEFT JOIN marts.product_affinity AS back
    ON back.snapshot_date = affinity.snapshot_date AND back.level = affinity.level AND back.scope = affinity.scope
    AND back.item = affinity.other AND back.other = affinity.item
  LEFT JOIN marts.product_names AS first_names
    ON first_names.snapshot_date = affinity.snapshot_date AND first_names.product_id = affinity.item
    AND affinity.level = 'product'
  LEFT JOIN marts.product_names AS second_names
    ON second_names.snapshot_date = affinity.snapshot_date AND second_names.product_id = affinity.other
    AND affinity.level = 'product'
  WHERE affinity.snapshot_date = $snapshot_date AND affinity.scope = 'basket' AND affinity.is_complementary
),
ranked AS (
  SELECT *, row_number() OVER (PARTITION BY level ORDER BY lift_low DESC, item, other) AS place
  FROM labelled
  WHERE direction = 1
)
SELECT
  ranked.level,
  CASE ranked.level WHEN 'product' THEN 'Products' ELSE 'Categories' END AS level_label,
  ranked.first_name || ' + ' || ranked.second_name AS pair,
  ranked.lift, ranked.lift_low, ranked.lift_high, ranked.baskets, ranked.expected, ranked.customers, ranked.confidence,
  ranked.other_confidence,
  CASE ranked.first_item WHEN ranked.item THEN ranked.first_name WHEN ranked.other THEN ranked.second_name END AS begins,
  ranked.first_name, ranked.second_name,
  fit.complementary AS all_pairs,
  fit.tests, fit.counted
FROM ranked
JOIN marts.product_affinity_fit AS fit
  ON fit.snapshot_date = $snapshot_date AND fit.level = ranked.level AND fit.scope = ranked.scope
WHERE ranked.place <= 15
ORDER BY ranked.level DESC, ranked.place
