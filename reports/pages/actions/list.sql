/*
title: Ranked by what is at stake
term: actions
draw: table
columns:
  label: {label: Action, page: {key: page}}
  advice: What to do
  customers: Customers
  new_customers: {label: New to it, kind: count}
  value_at_stake: {label: At stake, kind: money}
  most_to_spend: {label: "{{ 'At stake, each' if facts.clv.margin is none and not measured else 'Most to spend, each' }}", kind: money}
  file: {label: File, audience: {folder: actions, key: action}}
  action: {hidden: true, anchor: true}
hidden: [page, valued, is_measured]
let:
  first: max_by(rows, coalesce(value_at_stake, -1))
  customers: sum(customers)::BIGINT
  valued: sum(valued)::BIGINT
  at_stake: sum(value_at_stake)
  measured: bool_or(is_measured)
sentence: >-
  {{ customers|counted("customer") }} of {{ listed.everybody|count }} to act on{% if at_stake is not none and valued
  %}, with {{ at_stake|money }} at stake. {{ first.label }} comes first: {{ first.customers|counted("customer") }},
  {{ first.value_at_stake|money }}{% endif %}.
empty: Nobody is in an action on this day.
basis: n = {{ listed.everybody|counted("customer") }} · orders {{ facts.range }}
note: >-
  At stake: what the next step of their lifecycle is worth, or not to fall back, × the share who do so in 90 days, in
  proportion to each customer's own predicted value and chances{% if valued < customers %}; of {{ customers - valued }} customers it is not known{% endif
  %}. An upper limit: some would come anyway. {% if measured %}Most to spend: what campaigns measured of a contact with their
  stage, elsewhere what is at stake of each.{% else %}No campaign with a control group has measured what a contact is worth{%
  if facts.clv.margin is none %}, and no margin is set, so it is revenue: spend only a part of it{% endif %}.{% endif %}
file: {table: action_members, where: every customer}
*/
WITH pages AS (
  SELECT action, page
  FROM (
    VALUES
      ('premium_alert', 'probability'), ('overdue', 'rhythm'), ('cant_lose', 'segments'), ('at_risk', 'segments'),
      ('repeat_due', 'products'), ('second_order', 'rhythm'), ('rising', 'probability'), ('new_this_week', 'cohorts')
  ) AS listed (action, page)
),
-- A segment to act on has a page of its own where the shop's segments are those of the grid.
segments AS (
  SELECT profiles.segment
  FROM marts.segment_profiles AS profiles
  JOIN params.settings AS settings ON settings.catalogue = profiles.catalogue
  WHERE profiles.snapshot_date = $snapshot_date AND profiles.catalogue = 'grid' AND profiles.customers > 0
)
SELECT
  listed.label, listed.advice, coalesce('segment-' || segments.segment, pages.page) AS page, listed.action, listed.customers, listed.new_customers, listed.value_at_stake,
  listed.most_to_spend,
  listed.action || '.csv' AS file,
  listed.valued,
  listed.cost_basis LIKE 'measured%' AS is_measured
FROM marts.action_list AS listed
LEFT JOIN pages ON pages.action = listed.action
LEFT JOIN segments ON segments.segment = listed.action
WHERE listed.snapshot_date = $snapshot_date AND listed.customers > 0
ORDER BY listed.place
