/*
title: Predicted value, from 30 days ago to today
caption: Predicted value then and now, and what lies between
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
empty: ""
basis: n = {{ customers|counted("customer") }} · {{ opened|span(snapshot_date) }}
*/
WITH names (name, term) AS (
  VALUES
    ('opening', 'Value then'), ('re-estimation', 'Re-estimated'), ('new', 'New customers'), ('upward', 'Moved up'),
    ('downward', 'Moved down'), ('to inactive', 'Became lapsed'), ('ageing', 'Stayed: time passed'), ('erased', 'Gone'),
    ('closing', 'Value now')
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
