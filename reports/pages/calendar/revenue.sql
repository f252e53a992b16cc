/*
title: Revenue
term: revenue-calendar
caption: Revenue by {{ kinds|lower }}
each: {key: period_kind, label: kinds}
switch: period
draw:
  columns: starts_on
  series:
    alone: {colour: accent, name: Revenue}
    known: {colour: pale, name: Revenue}
    unknown: {colour: unknown, name: "Revenue, margin unknown"}
    margin: accent
  stack: over
  paler: is_not_whole
columns:
  starts_on: From
  is_complete: Whole
  revenue:
  cost:
  margin:
  order_revenue: Orders that stand
  peak_rank: {label: Rank by orders that stand, kind: count}
  alone: {hidden: true, kind: money}
  known: {hidden: true, kind: money}
  unknown: {hidden: true, kind: money}
hidden: [orders, is_not_whole, period, period_kind, kinds, ends_on, peak]
let:
  orders: sum(orders)
hover: "{{ period }}<br>Revenue: {{ revenue|money }}{% if alone is none %}<br>Margin: {{ margin|money }}{% endif %}"
sentence: "{{ rows|peak_sentence(currency) }} {{ rows|last_sentence(currency) }}"
empty: >-
  {% if not days %}There was no order line by the end of {{ snapshot_date|day }}.
  {%- else %}A calendar compares one whole day with the next; the history has {{ days|counted("day") }}.{% endif %}
basis: n = {{ orders|counted("order") }} · {{ rows|calendar_span(facts.lines.first_on, snapshot_date) }}
*/
WITH periods AS (
  SELECT
    *,
    row_number() OVER (PARTITION BY period_kind ORDER BY starts_on DESC) AS newest,
    count(order_number_effect) OVER (PARTITION BY period_kind) AS compared,
    count(margin) OVER (PARTITION BY period_kind) AS with_margin,
    count(*) OVER (PARTITION BY period_kind) AS everything
  FROM marts.revenue_calendar
  WHERE snapshot_date = $snapshot_date
),
-- When profit, or revenue where profit is not known, was highest, also of what is not shown; of equals the earliest.
peaks AS (
  SELECT
    period_kind AS kind,
    {
      'period_kind': period_kind, 'starts_on': starts_on, 'is_complete': is_complete, 'revenue': revenue,
      'order_revenue': order_revenue, 'margin': margin, 'with_margin': with_margin, 'periods': everything
    } AS peak
  FROM periods
  QUALIFY row_number() OVER (PARTITION BY period_kind ORDER BY margin_rank NULLS LAST, peak_rank, starts_on) = 1
)
SELECT
  starts_on, is_complete, revenue, cost, margin, order_revenue, peak_rank, orders,
  CASE WHEN with_margin = 0 THEN revenue END AS alone,
  CASE WHEN margin IS NOT NULL THEN revenue END AS known,
  CASE WHEN with_margin > 0 AND margin IS NULL THEN revenue END AS unknown,
  NOT is_complete AS is_not_whole,
  CASE period_kind
    WHEN 'month' THEN strftime(starts_on, '%B %Y')
    WHEN 'week' THEN 'Week of ' || strftime(starts_on, '%-d %b %Y')
    ELSE strftime(starts_on, '%a %-d %b %Y')
  END || CASE WHEN is_complete THEN '' ELSE ' (not whole)' END AS period,
  period_kind,
  CASE period_kind WHEN 'month' THEN 'Months' WHEN 'week' THEN 'Weeks' ELSE 'Days' END AS kinds,
  ends_on, peak
FROM periods
JOIN peaks ON kind = period_kind
WHERE compared > 0 AND newest <= CASE period_kind WHEN 'month' THEN 60 WHEN 'week' THEN 104 ELSE 365 END
ORDER BY CASE period_kind WHEN 'month' THEN 1 WHEN 'week' THEN 2 ELSE 3 END, starts_on
