/*
title: Customers by trend over time
term: activity-trend
columns:
  as_of: End of
  activity_trend: {label: Trend, audience: {folder: signals, key: signal}}
  customers:
  by_chance: {kind: number}
  revenue_12_months:
  predicted_clv:
  window_days:
hidden: [shown, signal]
views:
  trend:
    label: With a trend
    draw: &customers
      areas: as_of
      by: shown
      value: customers
      breaks: window_days
      colours: {Growing: better, Stable: pale, Declining: worse}
    sentence: "{{ rows|trend_course }} {{ rows|trend_breaks }}"
  everybody:
    label: Everybody
    draw: {<<: *customers, colours: &all {Growing: better, Stable: pale, Declining: worse, No trend: unknown}}
    sentence: >-
      {{ (tested / everybody)|percent }} of {{ everybody|counted("customer") }} have a trend; {{ too_few|count }}
      {% if base.n_min %}bought on fewer than {{ base.n_min|count }} days{% else %}bought too rarely{% endif %} in both
      windows, {{ silent|count }} on none and {{ too_new|count }} are too new.
  revenue:
    label: Revenue
    draw: {<<: *customers, value: revenue_12_months, colours: *all}
    sentence: >-
      {% if revenue > 0 %}Growing customers make {{ revenue_growing|money }}
      ({{ revenue_growing|share_of(revenue)|percent }}) and declining customers make {{ revenue_declining|money }}
      ({{ revenue_declining|share_of(revenue)|percent }}) of the last 12 months’ revenue.
      {%- else %}There is nothing to share out of the last 12 months’ revenue.{% endif %}
  value:
    label: Predicted value
    when: is_predicted
    draw: {<<: *customers, value: predicted_clv, colours: *all}
    sentence: >-
      {% if value > 0 %}Growing customers make {{ value_growing|money }}
      ({{ value_growing|share_of(value)|percent }}) and declining customers make {{ value_declining|money }}
      ({{ value_declining|share_of(value)|percent }}) of the predicted value.
      {%- else %}There is nothing to share out of the predicted value.{% endif %}
      {{ facts.cautions|join(" ") }}
let:
  first: min(as_of)
  everybody: sum(customers) FILTER (as_of = $snapshot_date)
  tested: sum(customers) FILTER (as_of = $snapshot_date AND shown <> 'No trend')
  too_few: sum(customers) FILTER (as_of = $snapshot_date AND activity_trend = 'Too few purchases')
  silent: sum(customers) FILTER (as_of = $snapshot_date AND activity_trend = 'Silent')
  too_new: sum(customers) FILTER (as_of = $snapshot_date AND activity_trend = 'Too new')
  revenue: sum(revenue_12_months) FILTER (as_of = $snapshot_date)
  revenue_growing: sum(revenue_12_months) FILTER (as_of = $snapshot_date AND shown = 'Growing')
  revenue_declining: sum(revenue_12_months) FILTER (as_of = $snapshot_date AND shown = 'Declining')
  value: sum(predicted_clv) FILTER (as_of = $snapshot_date)
  value_growing: sum(predicted_clv) FILTER (as_of = $snapshot_date AND shown = 'Growing')
  value_declining: sum(predicted_clv) FILTER (as_of = $snapshot_date AND shown = 'Declining')
  is_predicted: count(predicted_clv) FILTER (as_of = $snapshot_date) > 0
empty: There is no snapshot with customers yet.
basis: n = {{ everybody|counted("customer") }} · {{ first|span(snapshot_date) }}
*/
SELECT
  summary.snapshot_date AS as_of,
  trends.label AS activity_trend,
  summary.customers, summary.by_chance, summary.revenue_12_months, summary.predicted_clv, summary.window_days,
  CASE WHEN trends.place <= 3 THEN trends.label ELSE 'No trend' END AS shown,
  CASE
    WHEN summary.snapshot_date = $snapshot_date AND summary.activity_trend IN ('growing', 'declining')
      THEN summary.activity_trend
  END AS signal
FROM marts.activity_trend_summary AS summary
JOIN trends ON trends.activity_trend = summary.activity_trend
WHERE summary.snapshot_date <= $snapshot_date AND summary.window_days IS NOT NULL
ORDER BY summary.snapshot_date DESC, trends.place
