/*
title: Cut points
term: rfm-score
draw: table
columns:
  measure: Measure
  class: {label: Score or class, kind: text}
  lowest: {label: From, kind_by: kind}
  highest: {label: To, kind_by: kind}
  customers: {label: Customers, kind: count}
  share: {label: Share, kind: percent}
hidden: [kind, is_set, scale]
let:
  everybody: (sum(customers) / count(DISTINCT measure || scale))::BIGINT
  empties: count(*) FILTER (customers = 0)
  set: list_sort(list(DISTINCT measure) FILTER (is_set))
basis: n = {{ everybody|counted("customer") }} · orders {{ facts.range }}
note: >-
  Recency counts days since the last order, order days count days with an order, spend is net revenue. Cut points are
  learnt from the customers of the day{% if set %}, but for the classes of {{ set|listed|lower }}, which the shop has set{% endif %}.
  {% if empties %}{{ empties|count }} {{ "is" if empties == 1 else "are" }} empty: customers with equal values always get
  the same score.{% endif %}
*/
WITH measures (measure, place, label, kind) AS (
  VALUES ('recency', 1, 'Recency', 'count'), ('frequency', 2, 'Order days', 'count'), ('monetary', 3, 'Spend', 'money')
),
names (label, class) AS (
  VALUES
    ('short', 'Recent'), ('medium', 'Cooling'), ('long', 'Long ago'), ('often', 'Often'), ('regular', 'Regular'),
    ('casual', 'Casual'), ('spender', 'High spend'), ('average', 'Mid spend'), ('saver', 'Low spend')
)
SELECT
  measures.label AS measure,
  coalesce(names.class, 'Score ' || thresholds.step) AS class,
  thresholds.lowest, thresholds.highest, thresholds.customers,
  thresholds.customers / nullif(sum(thresholds.customers) OVER (PARTITION BY thresholds.measure, thresholds.scale), 0)::DOUBLE
    AS share,
  measures.kind,
  thresholds.set_by = 'settings' AS is_set,
  thresholds.scale
FROM marts.rfm_thresholds AS thresholds
JOIN measures ON measures.measure = thresholds.measure
LEFT JOIN names ON names.label = thresholds.label AND thresholds.scale = 'tier'
WHERE thresholds.snapshot_date = $snapshot_date
ORDER BY measures.place, thresholds.scale, thresholds.step DESC
