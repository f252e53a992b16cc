/*
title: Most to spend on a move
term: most-to-spend
draw: {dots: bar, value: most_to_spend, band: [most_to_spend_low, most_to_spend_high], beside: 0, title: "Most to spend on a customer"}
each: {key: horizon_days, label: horizon}
columns:
  move: {label: Move, kind: text}
  most_to_spend: {label: Most to spend, kind: money, interval: [most_to_spend_low, most_to_spend_high]}
  cost_basis: {label: Basis, missing: "too few customers"}
  value_difference: {label: Value of the move, kind: money}
  difference_error: {label: Standard error, kind: money}
  success_share: {label: Made it, kind: percent, interval: [success_low, success_high]}
  from_customers: {label: Of, kind: count}
hidden: [bar, told, horizon_days, horizon]
let:
  customers: sum(from_customers)
hover: "{{ move }}: {{ value|money }}<br>{{ success_share|percent }} of {{ from_customers|count }} made it"
sentence: "{{ rows|spend_sentence(currency) }}"
empty: Too few customers made any move for its value to be told.
basis: n = {{ customers|counted("customer") }} · {{ facts.last_year }}
*/
WITH names (move, from_stage, place, label, told) AS (
  VALUES
    ('acquire', 'lead', 1, 'Acquire leads', 'acquire leads'),
    ('convert', 'first-time', 2, 'Convert first-time', 'convert first-time customers'),
    ('retain', 'active', 3, 'Retain active', 'retain active customers'),
    ('win back', 'defecting', 4, 'Win back lapsing', 'win back lapsing customers'),
    ('win back', 'inactive', 5, 'Win back lapsed', 'win back lapsed customers')
)
SELECT
  names.label AS move,
  moves.most_to_spend, moves.most_to_spend_low, moves.most_to_spend_high, moves.cost_basis, moves.value_difference,
  moves.difference_error, moves.success_share, moves.success_low, moves.success_high, moves.from_customers,
  names.label || CASE WHEN moves.most_to_spend IS NULL THEN ': unknown' ELSE '' END AS bar,
  names.told, moves.horizon_days,
  moves.horizon_days || ' days' AS horizon
FROM marts.lifecycle_moves AS moves
JOIN names ON names.move = moves.move AND names.from_stage = moves.from_stage
WHERE moves.snapshot_date = $snapshot_date
  AND EXISTS (SELECT 1 FROM marts.lifecycle_moves WHERE snapshot_date = $snapshot_date AND most_to_spend IS NOT NULL)
ORDER BY moves.horizon_days, names.place
