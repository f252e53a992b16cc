/*
description: "What the campaigns of a programme caused in the mean of a quarter, by how much they differ among themselves, and whether that changed from the quarter before. Of campaigns for which marts.campaign_uplift knows an effect, each in the quarter in which it began for the last of its members."
grain: [snapshot_date, programme, quarter, metric]
owner: team:crm
computed_by: uplift
reads: [staging.messages, staging.campaigns, staging.orders, staging.order_lines, staging.web_events, staging.occasions, marts.rfm_thresholds, marts.segment_catalogue, marts.lifecycle_thresholds, marts.lifecycle_stages, marts.control_members, staging.consents, staging.objections, ingest.aliases]
columns:
  snapshot_date: {type: DATE, meaning: The day whose end the row describes}
  programme:     {type: VARCHAR, meaning: "What the campaigns have in common, as their export tells; else the campaign"}
  quarter:       {type: VARCHAR, meaning: "Calendar quarter, such as 2026-Q1"}
  metric:        {type: VARCHAR, values: [visit, conversion, spend], meaning: As in marts.campaign_uplift}
  campaigns:     {type: BIGINT, unit: campaigns, min: 1, meaning: "Campaigns with enough members who visited or bought (5 in both groups, 20 for spend)"}
  treated:       {type: BIGINT, unit: customers, min: 10, meaning: "Their treated members, who count once for each"}
  control:       {type: BIGINT, unit: customers, min: 10, meaning: Their control members likewise}
  mean:          {type: DOUBLE, meaning: "Mean effect (random effects), a share or currency per member"}
  mean_low:      {type: DOUBLE, meaning: Lower end of its 95 % interval}
  mean_high:     {type: DOUBLE, meaning: Upper end of it}
  tau:           {type: DOUBLE, min: 0, meaning: "Standard deviation of the true effects of the campaigns (Paule and Mandel)"}
  q:             {type: DOUBLE, min: 0, meaning: "Cochran's Q: how far the effects are apart"}
  p_value:       {type: DOUBLE, min: 0, max: 1, meaning: Chance of a Q at least so large if all campaigns did the same}
  change:        {type: DOUBLE, nullable: true, meaning: "mean less that of the calendar quarter before; null where that has none"}
  change_low:    {type: DOUBLE, nullable: true, meaning: Lower end of its 95 % interval}
  change_high:   {type: DOUBLE, nullable: true, meaning: Upper end of it}
  says:          {type: VARCHAR, values: [more, less, no_difference_shown, not_known], meaning: "more, less: the interval of change lies above or below 0; no_difference_shown: it holds 0; not_known: there is nothing to compare with"}
tests:
  campaigns_are_those_with_an_effect: |
    SELECT given.metric, given.campaigns, known.campaigns AS known
    FROM (
      SELECT metric, sum(campaigns) AS campaigns
      FROM marts.programme_comparison
      WHERE snapshot_date = $snapshot_date
      GROUP BY metric
    ) AS given
    LEFT JOIN (
      SELECT metric, count(*) AS campaigns
      FROM marts.campaign_uplift
      WHERE snapshot_date = $snapshot_date AND effect IS NOT NULL
      GROUP BY metric
    ) AS known ON known.metric = given.metric
    WHERE given.campaigns > coalesce(known.campaigns, 0)
*/
