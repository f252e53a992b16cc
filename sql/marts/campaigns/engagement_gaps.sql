/*
description: "Days from one visit of a customer to the web shop to the next: of all visits, by the channel they came by, and by the level of engagement on the snapshot date. Kaplan–Meier: gaps that still go on count as long as they were watched. Only gaps that began in the last 730 days. Empty without the export web_events."
grain: [snapshot_date, grouping, group_name]
owner: team:crm
computed_by: engagement_gaps
reads: [staging.web_events, staging.order_lines, marts.engagement, ingest.aliases]
columns:
  snapshot_date: {type: DATE, meaning: The day whose end the row describes}
  grouping:      {type: VARCHAR, values: [all, channel, level], meaning: "all; by the channel of the visit that the gap follows; by the level of the customer"}
  group_name:    {type: VARCHAR, meaning: "all, the channel or the level"}
  is_selected:   {type: BOOLEAN, meaning: "Whether the gap that goes on now helps to decide who is in the group (level): then the row describes these customers and forecasts nothing"}
  gaps:          {type: BIGINT, unit: gaps, min: 1, meaning: "Gaps, ended or not"}
  ended:         {type: BIGINT, unit: gaps, min: 0, meaning: Those that another visit ended}
  censored:      {type: BIGINT, unit: gaps, min: 0, meaning: Those that go on}
  p10_days:      {type: BIGINT, unit: days, nullable: true, min: 0, meaning: "First day by which 10 % have come again; null where the curve does not get there while at least 10 gaps are watched"}
  p20_days:      {type: BIGINT, unit: days, nullable: true, min: 0, meaning: The same for 20 %}
  p25_days:      {type: BIGINT, unit: days, nullable: true, min: 0, meaning: The same for 25 %}
  p30_days:      {type: BIGINT, unit: days, nullable: true, min: 0, meaning: The same for 30 %}
  p40_days:      {type: BIGINT, unit: days, nullable: true, min: 0, meaning: The same for 40 %}
  median_days:   {type: BIGINT, unit: days, nullable: true, min: 0, meaning: The same for half}
  median_low:    {type: BIGINT, unit: days, nullable: true, min: 0, meaning: "Lower end of the 95 % bootstrap interval of the median, customers drawn in 256 buckets; null without a median"}
  median_high:   {type: BIGINT, unit: days, nullable: true, min: 0, meaning: "Upper end of it; null: open, so many draws do not get there"}
  p60_days:      {type: BIGINT, unit: days, nullable: true, min: 0, meaning: The same for 60 %}
  p70_days:      {type: BIGINT, unit: days, nullable: true, min: 0, meaning: The same for 70 %}
  p75_days:      {type: BIGINT, unit: days, nullable: true, min: 0, meaning: The same for 75 %}
  p80_days:      {type: BIGINT, unit: days, nullable: true, min: 0, meaning: The same for 80 %}
  p90_days:      {type: BIGINT, unit: days, nullable: true, min: 0, meaning: The same for 90 %}
tests:
  ended_or_not: |
    SELECT grouping, group_name FROM marts.engagement_gaps
    WHERE snapshot_date = $snapshot_date AND ended + censored <> gaps
  every_gap_is_in_one_channel: |
    SELECT sum(CASE WHEN grouping = 'all' THEN gaps ELSE -gaps END) AS difference
    FROM marts.engagement_gaps
    WHERE snapshot_date = $snapshot_date AND grouping IN ('all', 'channel')
    HAVING sum(CASE WHEN grouping = 'all' THEN gaps ELSE -gaps END) <> 0
*/
