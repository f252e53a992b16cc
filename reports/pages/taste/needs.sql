/*
title: Customers by stage of a need
term: need-stage
each: {key: rule, label: rule_label}
draw: {bars: stage, series: {customers: accent}}
columns:
  stage: Stage
  customers: {label: Customers in it, kind: count}
  entering: {label: Enter it within 30 days, kind: count}
  observed_customers: {label: Customers who have passed it, kind: count}
  observed_share: {label: Of these bought what it names, kind: percent}
  items: Offered in it
hidden: [rule, rule_label, all_customers, first_anchor]
let:
  most: max_by(rows, customers)
  entering: sum(entering)::BIGINT
hover: "{{ stage }}<br>{{ customers|counted('customer') }}<br>{{ items }}"
sentence: >-
  {{ all_customers|counted("customer") }} {{ "is" if all_customers == 1 else "are" }} in a stage of {{ rule_label }}, most
  in {{ most.stage }} ({{ most.customers|count }}). {{ entering|count }} of them
  {{ "enters" if entering == 1 else "enter" }} the next stage within 30 days.
empty: >-
  There are no stages: no rules are written for them, or nobody has bought what begins one.
basis: n = {{ all_customers|counted("customer") }} · begun {{ first_anchor|span(snapshot_date) }}
*/
WITH stages AS (
  SELECT
    rule, stage,
    count(*) AS customers,
    min(stage_from) AS starts_on,
    min(anchor_on) AS first_anchor,
    max(observed_customers) AS observed_customers,
    max(observed_share) AS observed_share,
    max(items) AS items,
    min(date_diff('day', anchor_on, stage_from)) AS day_of_stage
  FROM marts.need_stages
  WHERE snapshot_date = $snapshot_date
  GROUP BY rule, stage
),
entering AS (
  SELECT rule, next_stage AS stage, count(*) AS entering
  FROM marts.need_stages
  WHERE snapshot_date = $snapshot_date AND next_from <= $snapshot_date + 30
  GROUP BY rule, next_stage
)
SELECT
  stages.rule,
  stages.rule AS rule_label,
  stages.stage, stages.customers,
  coalesce(entering.entering, 0) AS entering,
  stages.observed_customers, stages.observed_share, stages.items,
  sum(stages.customers) OVER rules::BIGINT AS all_customers,
  min(stages.first_anchor) OVER rules AS first_anchor
FROM stages
LEFT JOIN entering USING (rule, stage)
WINDOW rules AS (PARTITION BY stages.rule)
ORDER BY stages.rule, stages.day_of_stage, stages.stage
