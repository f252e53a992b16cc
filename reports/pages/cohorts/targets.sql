/*
title: Targets
caption: Targets and how they came out
draw: table
columns:
  period: Period
  kpi: {label: Key figure, kind: text}
  value: {label: Value, kind_by: kind}
  target: {label: Target, kind_by: kind}
  status: Status
hidden: [kind]
empty: ""
basis: orders {{ facts.range }}
note: >-
  Of months, quarters and years. Before a period is over a total is on track if it has reached the target’s share of the
  days that have passed, anything else if it is at the target.
*/
SELECT
  period,
  CASE kpi
    WHEN 'retention_90d' THEN 'Back within 90 days'
    WHEN 'orders' THEN 'Orders, guests included'
    WHEN 'new_buyers' THEN 'First-time buyers'
    ELSE upper(left(kpi, 1)) || replace(replace(substring(kpi, 2), '_', ' '), 'ne time', 'ne-time')
  END AS kpi,
  value, target,
  replace(status, '_', ' ') AS status,
  CASE unit
    WHEN 'currency' THEN 'money' WHEN 'share' THEN 'percent'
    ELSE CASE measure WHEN 'total' THEN 'count' ELSE 'number' END
  END AS kind
FROM marts.kpis
WHERE snapshot_date = $snapshot_date AND target IS NOT NULL
ORDER BY ends_on DESC, starts_on DESC, kpis.kpi DESC
LIMIT 36
