/*
title: The next 12 months if nothing changes
term: projection
columns:
  scenario: Scenario
  month: {label: Month, kind: count}
  revenue:
  revenue_low: {label: "95% interval: from", kind: money}
  revenue_high: {label: to, kind: money}
  total: {label: "Revenue, so far", kind: money, interval: [total_low, total_high]}
  gain: {label: "More than doing nothing, so far", kind: money, interval: [gain_low, gain_high]}
  active: {label: Active, kind: count, interval: [active_low, active_high]}
  lapsed: {label: Lapsed, kind: count, interval: [lapsed_low, lapsed_high]}
hidden: [
  name, points, move, last_12_months, new_customers, active_now, lapsed_now, contact_worth, contact_worth_low,
  contact_worth_high, colour
]
views:
  revenue:
    label: Revenue
    draw: {lines: month, by: scenario, value: revenue, band: [revenue_low, revenue_high], colour: colour, titles: &titles [Months of 30 days from now, ""]}
    sentence: "{{ rows|projection_sentence(currency) }}"
  active:
    label: Active customers
    draw: {lines: month, by: scenario, value: active, band: [active_low, active_high], colour: colour, titles: *titles}
    sentence: >-
      {{ base.active_now|counted("customer") }} are active now; in {{ base.month }} months {{ base.active|count }}
      ({{ base.active_low|count }} to {{ base.active_high|count }}) if nothing changes.
  lapsed:
    label: Lapsed
    draw: {lines: month, by: scenario, value: lapsed, band: [lapsed_low, lapsed_high], colour: colour, titles: *titles}
    sentence: >-
      {{ base.lapsed_now|counted("customer") }} are lapsed now; in {{ base.month }} months {{ base.lapsed|count }}
      ({{ base.lapsed_low|count }} to {{ base.lapsed_high|count }}) if nothing changes.
let:
  base: max_by(rows, month) FILTER (name = 'do nothing')
empty: >-
  {% if history.days is none or history.days < 390 %}A projection needs 390 days of history. Shown from
  {{ history.projection_on|short_day }} on.{% else %}The last 30 days were unlike the year, and unlike the same days a year
  ago: nothing is projected from them.{% endif %}
basis: >-
  n = {{ facts.customers.customers|counted("customer") }} · {{ base.new_customers|count }} new ones a month · moves
  {{ facts.last_year }}
*/
WITH paths AS (
  SELECT
    scenario, month,
    max(customers) FILTER (stage = 'active') AS active,
    max(customers_low) FILTER (stage = 'active') AS active_low,
    max(customers_high) FILTER (stage = 'active') AS active_high,
    max(customers) FILTER (stage = 'inactive') AS lapsed,
    max(customers_low) FILTER (stage = 'inactive') AS lapsed_low,
    max(customers_high) FILTER (stage = 'inactive') AS lapsed_high
  FROM marts.lifecycle_projection
  WHERE snapshot_date = $snapshot_date
  GROUP BY scenario, month
),
stages (stage, label) AS (
  VALUES ('lead', 'leads'), ('first-time', 'first-time'), ('active', 'active'), ('defecting', 'lapsing'),
    ('inactive', 'lapsed')
),
others AS (
  SELECT scenario, row_number() OVER (ORDER BY scenario) AS place
  FROM (SELECT DISTINCT scenario FROM marts.lifecycle_scenarios WHERE snapshot_date = $snapshot_date) AS listed
  WHERE scenario <> 'do nothing'
)
SELECT
  upper(left(scenarios.scenario, 1)) || substring(scenarios.scenario, 2) AS scenario,
  scenarios.month, scenarios.revenue, scenarios.revenue_low, scenarios.revenue_high, scenarios.total,
  scenarios.total_low, scenarios.total_high, scenarios.gain, scenarios.gain_low, scenarios.gain_high, paths.active,
  paths.active_low, paths.active_high, paths.lapsed, paths.lapsed_low, paths.lapsed_high,
  scenarios.scenario AS name,
  scenarios.points,
  origins.label || ' to ' || targets.label AS move,
  scenarios.last_12_months, scenarios.new_customers,
  starts.active AS active_now,
  starts.lapsed AS lapsed_now,
  worth.contact_worth, worth.contact_worth_low, worth.contact_worth_high,
  CASE WHEN others.place IS NULL THEN 'accent' WHEN others.place % 2 = 1 THEN 'part-2' ELSE 'part-3' END AS colour
FROM marts.lifecycle_scenarios AS scenarios
JOIN paths ON paths.scenario = scenarios.scenario AND paths.month = scenarios.month
JOIN paths AS starts ON starts.scenario = scenarios.scenario AND starts.month = 0
LEFT JOIN others ON others.scenario = scenarios.scenario
LEFT JOIN stages AS origins ON origins.stage = scenarios.from_stage
LEFT JOIN stages AS targets ON targets.stage = scenarios.to_stage
LEFT JOIN marts.lifecycle_value AS worth
  ON worth.snapshot_date = $snapshot_date AND worth.stage = scenarios.from_stage
WHERE scenarios.snapshot_date = $snapshot_date
ORDER BY others.place NULLS FIRST, scenarios.month
