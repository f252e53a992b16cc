/*
description: "Days from one purchase to the next by order number, by the stage in which a purchase found its customer, and by lifecycle stage and segment on the snapshot date. Kaplan–Meier: silences that still go on count as long as they were watched. Only silences that began in the last 730 days."
grain: [snapshot_date, grouping, group_name]
owner: team:crm
computed_by: rhythm
reads: [staging.occasions, marts.lifecycle_thresholds, marts.lifecycle_stages, marts.rfm_segments]
columns:
  snapshot_date: {type: DATE, meaning: The day whose end the row describes}
  grouping:
    type: VARCHAR
    values: [order_number, found, stage, segment]
    meaning: "order_number: which purchase of the customer the silence follows. found: the customer's stage until that purchase (first-time: there was none before; active, defecting or inactive by how long they had been silent, under the limits of the snapshot date). stage, segment: where the customer is on the snapshot date"
  group_name:    {type: VARCHAR, meaning: "1 … 9 and 10+; the stage; the segment of the grid"}
  is_selected:   {type: BOOLEAN, meaning: "Whether the silence that goes on now decides who is in the group (stage, segment): then the row describes these customers and says nothing of how long they will stay silent"}
  silences:      {type: BIGINT, unit: silences, min: 1, meaning: "Silences, ended or not"}
  ended:         {type: BIGINT, unit: silences, min: 0, meaning: Those that a purchase ended}
  censored:      {type: BIGINT, unit: silences, min: 0, meaning: Those that go on}
  p10_days:      {type: BIGINT, unit: days, nullable: true, min: 0, meaning: "First day by which 10 % have bought again; null where the curve does not get there while at least 10 silences are watched"}
  p20_days:      {type: BIGINT, unit: days, nullable: true, min: 0, meaning: The same for 20 %}
  p25_days:      {type: BIGINT, unit: days, nullable: true, min: 0, meaning: "The same for 25 %, the lower quartile"}
  p30_days:      {type: BIGINT, unit: days, nullable: true, min: 0, meaning: The same for 30 %}
  p40_days:      {type: BIGINT, unit: days, nullable: true, min: 0, meaning: The same for 40 %}
  median_days:   {type: BIGINT, unit: days, nullable: true, min: 0, meaning: "The same for half"}
  median_low:    {type: BIGINT, unit: days, nullable: true, min: 0, meaning: "Lower end of the 95 % bootstrap interval of the median, customers drawn in 256 buckets; null without a median"}
  median_high:   {type: BIGINT, unit: days, nullable: true, min: 0, meaning: "Upper end of it; null: open, so many draws do not get there"}
  p60_days:      {type: BIGINT, unit: days, nullable: true, min: 0, meaning: The same for 60 %}
  p70_days:      {type: BIGINT, unit: days, nullable: true, min: 0, meaning: The same for 70 %}
  p75_days:      {type: BIGINT, unit: days, nullable: true, min: 0, meaning: "The same for 75 %, the upper quartile"}
  p80_days:      {type: BIGINT, unit: days, nullable: true, min: 0, meaning: The same for 80 %}
  p90_days:      {type: BIGINT, unit: days, nullable: true, min: 0, meaning: The same for 90 %}
tests:
  ended_or_not: |
    SELECT grouping, group_name FROM marts.purchase_gaps
    WHERE snapshot_date = $snapshot_date AND ended + censored <> silences
  every_silence_by_order_number_and_as_found: |
    SELECT sum(CASE WHEN grouping = 'order_number' THEN silences ELSE -silences END) AS difference
    FROM marts.purchase_gaps
    WHERE snapshot_date = $snapshot_date AND grouping IN ('order_number', 'found')
    HAVING sum(CASE WHEN grouping = 'order_number' THEN silences ELSE -silences END) <> 0
*/
