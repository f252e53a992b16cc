/*
description: "Whether a campaign did more for some members than for others: its effect by where they stood on the evening before, beside the same drawn towards the mean of all segments as far as it is noise. Only of campaigns and metrics for which marts.campaign_uplift knows an effect. The rows (all) are of the campaigns of the last 365 days together. The best of several segments always looks better than it is: go by shrunk, and by says."
grain: [snapshot_date, campaign_id, arm, metric, dimension, segment]
owner: team:crm
computed_by: uplift
reads: [staging.messages, staging.campaigns, staging.orders, staging.order_lines, staging.web_events, staging.occasions, marts.rfm_thresholds, marts.segment_catalogue, marts.lifecycle_thresholds, marts.lifecycle_stages, marts.control_members, staging.consents, staging.objections, ingest.aliases]
columns:
  snapshot_date: {type: DATE, meaning: The day whose end the row describes}
  campaign_id:   {type: VARCHAR, meaning: "Campaign; (all): the mean of those that were over and began in the last 365 days"}
  arm:           {type: VARCHAR, values: [treated], meaning: Group that is held against the control group}
  metric:        {type: VARCHAR, values: [visit, conversion, spend], meaning: As in marts.campaign_uplift}
  dimension:     {type: VARCHAR, values: [lifecycle, grid, axonaut], meaning: "By what members are told apart: their stage of the lifecycle, or their group in a catalogue of segments"}
  segment:       {type: VARCHAR, meaning: "Where they stood on the evening before, by the orders until then and the limits of the snapshot date; lead: had not bought; other: segments with fewer than 10 members, or 5 visitors or buyers (20 buyers for spend), in a group"}
  treated:       {type: BIGINT, unit: customers, min: 10, meaning: Treated members of the segment}
  control:       {type: BIGINT, unit: customers, min: 10, meaning: Control members of it}
  treated_mean:  {type: DOUBLE, nullable: true, meaning: "Share of the treated who visited or bought; mean spend; null for (all)"}
  effect:        {type: DOUBLE, meaning: "Mean of the treated − mean of the control members: a share, or currency"}
  effect_low:    {type: DOUBLE, meaning: Lower end of its 95 % interval (normal)}
  effect_high:   {type: DOUBLE, meaning: Upper end of it}
  shrunk:        {type: DOUBLE, meaning: "The effect drawn towards mean, the more the less certain it is and the less segments differ: what to expect of the segment"}
  shrunk_low:    {type: DOUBLE, meaning: Lower end of its 95 % interval}
  shrunk_high:   {type: DOUBLE, meaning: Upper end of it}
  mean:          {type: DOUBLE, meaning: "Mean effect of the segments of the dimension (random effects)"}
  mean_low:      {type: DOUBLE, meaning: Lower end of its 95 % interval}
  mean_high:     {type: DOUBLE, meaning: Upper end of it}
  tau:           {type: DOUBLE, min: 0, meaning: "Standard deviation of the true effects of the segments (Paule and Mandel)"}
  q:             {type: DOUBLE, min: 0, meaning: "Cochran's Q: how far the effects are apart"}
  p_value:       {type: DOUBLE, min: 0, max: 1, meaning: Chance of a Q at least so large if all segments were equal}
  p_holm:        {type: DOUBLE, min: 0, max: 1, meaning: "The same for the dimensions of the campaign and metric at once (Holm)"}
  says:          {type: VARCHAR, values: [segments_differ, no_difference_shown], meaning: "segments_differ: p_holm is below 0.05. no_difference_shown: the segments may well be equal"}
tests:
  only_where_an_effect_is_known: |
    SELECT segments.campaign_id, segments.metric
    FROM marts.campaign_uplift_segments AS segments
    LEFT JOIN marts.campaign_uplift AS uplift
      ON uplift.snapshot_date = $snapshot_date
      AND uplift.campaign_id = segments.campaign_id
      AND uplift.metric = segments.metric
    WHERE segments.snapshot_date = $snapshot_date AND segments.campaign_id <> '(all)' AND uplift.effect IS NULL
  every_member_is_in_one_segment: |
    SELECT segments.campaign_id, segments.metric, segments.dimension, sum(segments.treated) AS treated
    FROM marts.campaign_uplift_segments AS segments
    JOIN marts.campaign_uplift AS uplift
      ON uplift.snapshot_date = $snapshot_date
      AND uplift.campaign_id = segments.campaign_id
      AND uplift.metric = segments.metric
    WHERE segments.snapshot_date = $snapshot_date
    GROUP BY segments.campaign_id, segments.metric, segments.dimension
    HAVING sum(segments.treated) <> max(uplift.treated) OR sum(segments.control) <> max(uplift.control)
  what_is_shrunk_lies_between_the_effect_and_the_mean: |
    SELECT campaign_id, metric, dimension, segment, effect, shrunk, mean
    FROM marts.campaign_uplift_segments
    WHERE snapshot_date = $snapshot_date
      AND (shrunk < least(effect, mean) - 0.000001 OR shrunk > greatest(effect, mean) + 0.000001)
*/
