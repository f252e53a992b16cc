/*
title: Predicted value, from 30 days ago to today
term: value-bridge
draw: {figure: waterfall, with: {step: term, amount: amount}}
columns:
  term: {label: Term, kind: text}
  amount:
  customers:
hidden: [name, opening_on, is_revalued]
let:
  opened: any_value(opening_on)
  customers: max(customers) FILTER (name = 'closing')
sentence: "{{ rows|bridge_sentence(currency) }}"
basis: n = {{ customers|counted("customer") }} · {{ opened|span(snapshot_date) }}
*/
WITH names (name, term) AS (
  VALUES
    ('opening', '30 days before'), ('re-estimation', 'New estimates'), ('new', 'New in these 30 days'),
    ('upward', 'Came back or bought again'), ('downward', 'Slowed down'), ('to inactive', 'Lapsed'),
    ('ageing', 'Time passing'), ('erased', 'Gone'), ('closing', 'Today')
)
SELECT
  names.term, bridge.amount, bridge.customers,
  bridge.term AS name,
  bridge.opening_on,
  bridge.opening_source = 'revalued' AS is_revalued
FROM marts.value_bridge AS bridge
JOIN names ON names.name = bridge.term
WHERE bridge.snapshot_date = $snapshot_date
  AND bridge.status = 'ok'
  AND (bridge.amount <> 0 OR bridge.term IN ('opening', 'closing'))
ORDER BY bridge.place
