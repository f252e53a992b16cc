/*
title: Revenue
term: revenue-calendar
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
  order_revenue: Orders not cancelled
  peak_rank: {label: Rank by orders not cancelled, kind: count}
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
WITH peaks AS (
  SELECT
    period_kind AS kind,
    {
      'period_kind': period_kind, 'starts_on': starts_on, 'is_complete': is_complete, 'revenue': revenue,
      'order_revenue': order_revenue, 'margin': margin, 'with_margin': with_margin, 'periods': everything
    } AS peak
  FROM periods
  WHERE is_peak
)
SELECT
  starts_on, is_complete, revenue, cost, margin, order_revenue, peak_rank, orders,
  CASE WHEN with_margin = 0 THEN revenue END AS alone,
  CASE WHEN margin IS NOT NULL THEN revenue END AS known,
  CASE WHEN with_margin > 0 AND margin IS NULL THEN revenue END AS unknown,
  is_not_whole, period, period_kind, kinds, ends_on, peak
FROM periods
JOIN peaks ON kind = period_kind
WHERE is_shown
ORDER BY place, starts_on
