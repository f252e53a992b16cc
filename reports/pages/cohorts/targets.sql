/*
title: Targets
draw: table
columns:
  period: Period
  kpi: {label: Key figure, kind: text}
  value: {label: Value, kind_by: kind}
  target: {label: Target, kind_by: kind}
  status: Status
hidden: [kind]
basis: orders {{ facts.range }}
note: >-
  Of months, quarters and years. Before a period is over a total is on track if it has reached the target’s share of the
  days that have passed, anything else if it is at the target.
*/
SELECT
  CASE period_kind
    WHEN 'month' THEN strftime(starts_on, '%b %Y') WHEN 'quarter' THEN 'Q' || quarter(starts_on) || ' ' || year(starts_on) ELSE period
  END AS period,
  name AS kpi, value, target, status, kind
FROM periods
WHERE target IS NOT NULL
ORDER BY ends_on DESC, starts_on DESC, periods.kpi DESC
LIMIT 36
