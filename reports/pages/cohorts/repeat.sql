/*
title: One-time and repeat buyers
term: repeat-buyers
each: {key: view, label: view_label}
draw:
  columns: starts_on
  series: {repeat: accent, one_time: part-2}
  stack: share
  paler: is_open
  overlay: sectors
columns:
  month: Month
  buyers: {label: Buyers, kind: count}
  repeat: {label: Repeat, kind: percent}
  one_time: {label: One-time, kind: percent}
  sectors: {kind: percent, spread: true}
  starts_on: {kind: month, hidden: true}
hidden: [is_open, is_complete, view, view_label, of_whom]
hover: >-
  {{ month }}<br>Repeat {{ repeat|percent }}, one-time {{ one_time|percent }}<br>{{ buyers|counted("buyer") }}
sentence: "{{ rows|repeat_sentence }}"
empty: No customer has bought yet.
basis: n = {{ facts.customers.customers|counted("customer") }} · orders {{ facts.range }}
*/
WITH views (view, view_label, of_whom, repeat_kpi, one_time_kpi, place) AS (
  VALUES
    ('buyers', 'Buyers', 'the buyers', 'repeat_share_of_buyers', 'one_time_share_of_buyers', 1),
    ('revenue', 'Revenue', 'their revenue', 'repeat_share_of_revenue', 'one_time_share_of_revenue', 2)
),
months AS (
  SELECT *, dense_rank() OVER (ORDER BY starts_on DESC) AS newest
  FROM marts.kpis
  WHERE snapshot_date = $snapshot_date AND period_kind = 'month'
    AND EXISTS (SELECT 1 FROM marts.customer_summary WHERE snapshot_date = $snapshot_date)
),
sectors AS (
  SELECT
    kpi, starts_on,
    list(struct_pack(name := sector || ', repeat', sector := sector, value := benchmark, difference := difference)
         ORDER BY sector) AS sectors
  FROM marts.benchmarks
  WHERE snapshot_date = $snapshot_date AND period_kind = 'month' AND benchmark IS NOT NULL
  GROUP BY kpi, starts_on
)
SELECT
  strftime(repeat.starts_on, '%b %Y')
    || CASE WHEN repeat.is_open THEN ' (not over)' WHEN repeat.is_complete THEN '' ELSE ' (not whole)' END AS month,
  repeat.rests_on AS buyers,
  repeat.value AS repeat,
  one_time.value AS one_time,
  sectors.sectors, repeat.starts_on, repeat.is_open, repeat.is_complete, views.view, views.view_label, views.of_whom
FROM views
JOIN months AS repeat ON repeat.kpi = views.repeat_kpi AND repeat.newest <= 24
JOIN months AS one_time ON one_time.kpi = views.one_time_kpi AND one_time.starts_on = repeat.starts_on
LEFT JOIN sectors ON sectors.kpi = views.repeat_kpi AND sectors.starts_on = repeat.starts_on
ORDER BY views.place, repeat.starts_on
