/*
title: Predicted value
term: predicted-value
draw: table
columns:
  what: {label: Predicted value, kind: text}
  amount: {label: Amount, kind: money}
  customers: {label: Customers, kind: count}
hidden: [since]
basis: n = {{ facts.customers.customers|counted("customer") }} · {{ rows[0].since|span(snapshot_date) }}
*/
WITH parts (term, place, what) AS (
  VALUES
    ('opening', 1, '30 days before'), ('new', 2, 'New in these 30 days'), ('upward', 3, 'Came back or bought again'),
    ('downward', 4, 'Slowed down'), ('to inactive', 5, 'Lapsed'), ('ageing', 6, 'Time passing and new estimates'),
    ('re-estimation', 6, 'Time passing and new estimates'), ('erased', 6, 'Time passing and new estimates'),
    ('closing', 7, 'Today')
)
SELECT
  parts.what,
  sum(bridge.amount)::DECIMAL(18,2) AS amount,
  CASE WHEN parts.place = 6 THEN max(bridge.customers) FILTER (WHERE bridge.term = 'ageing')
    ELSE sum(bridge.customers)::BIGINT END AS customers,
  min(bridge.opening_on) AS since
FROM marts.value_bridge AS bridge
JOIN parts ON parts.term = bridge.term
WHERE bridge.snapshot_date = $snapshot_date AND bridge.status = 'ok'
GROUP BY parts.place, parts.what
ORDER BY parts.place
