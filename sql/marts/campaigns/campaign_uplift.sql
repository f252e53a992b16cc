/*
description: "What each campaign caused: members who were to get it against members who were not, drawn by lot, by how many of them visited the web shop and how many bought in the window, and by what they spent. Said only where there is a control group of the size that was meant, and the window and 14 days for refunds are over. Everybody counts where they were assigned, also who never opened it. Elsewhere nothing is said but how spend changed from before, which is no effect: whoever the audience rule chose was likely to change anyway."
grain: [snapshot_date, campaign_id, arm, metric]
owner: team:crm
computed_by: uplift
reads: [staging.messages, staging.campaigns, staging.orders, staging.order_lines, staging.web_events, staging.occasions, marts.rfm_thresholds, marts.segment_catalogue, marts.lifecycle_thresholds, marts.lifecycle_stages, marts.control_members, staging.consents, staging.objections, ingest.aliases]
columns:
  snapshot_date:  {type: DATE, meaning: The day whose end the row describes}
  campaign_id:    {type: VARCHAR, meaning: Campaign}
  arm:            {type: VARCHAR, values: [treated], meaning: Group that is held against the control group}
  metric:         {type: VARCHAR, values: [visit, conversion, spend], meaning: "visit: members who came to the web shop in the window; no row where no member's visit is told of. conversion: members with an order that stands in the window. spend: what members spent in it, less what was paid back by the snapshot date"}
  status:         {type: VARCHAR, values: [known, running, srm_failed, no_control], meaning: "known: what is said is what the campaign caused. running: window or refunds are not over. srm_failed: the groups are not of the size that was meant, so that they cannot be compared. no_control: there are no two groups"}
  says:           {type: VARCHAR, values: [more, less, no_difference_shown, not_known], meaning: "more, less: the interval that counts lies above or below 0, so the campaign caused it. no_difference_shown: it holds 0. not_known: nothing can be said"}
  is_final:       {type: BOOLEAN, meaning: "Whether the window of the last member and 14 days for refunds are over"}
  treated:        {type: BIGINT, unit: customers, min: 0, meaning: Treated members}
  control:        {type: BIGINT, unit: customers, min: 0, meaning: Control members}
  contaminated:   {type: BIGINT, unit: customers, min: 0, meaning: "Control members to whom a message was sent after all: they make the effect look smaller"}
  sample_ratio:   {type: VARCHAR, values: [passed, failed, unknown], meaning: "Whether the groups are of the size that was meant (failed: chance would do so in fewer than 1 of 1,000 campaigns); unknown: the campaign does not tell its control_share"}
  sample_ratio_p: {type: DOUBLE, nullable: true, min: 0, max: 1, meaning: "p-value of it (χ², 1 degree of freedom)"}
  treated_mean:   {type: DOUBLE, nullable: true, meaning: "Share of the treated who visited or bought; mean spend"}
  control_mean:   {type: DOUBLE, nullable: true, meaning: The same of the control members}
  effect:         {type: DOUBLE, nullable: true, meaning: "treated_mean − control_mean; null unless status is known"}
  effect_low:     {type: DOUBLE, nullable: true, meaning: "Lower end of its 95 % interval: Newcombe's for visit and conversion, Welch's t for spend; null unless quality is told"}
  effect_high:    {type: DOUBLE, nullable: true, meaning: Upper end of it}
  ratio:          {type: DOUBLE, nullable: true, min: 0, meaning: treated_mean / control_mean}
  ratio_low:      {type: DOUBLE, nullable: true, min: 0, meaning: "Lower end of its 95 % interval: MOVER-R; for spend the delta method on the logarithm"}
  ratio_high:     {type: DOUBLE, nullable: true, min: 0, meaning: Upper end of it}
  quality:        {type: VARCHAR, nullable: true, values: [reliable, rough], meaning: "How far the interval holds: of visit and conversion always reliable; of spend reliable with 100 buyers in both groups (20, where they are equally large), rough with 20; else null, and no effect is told"}
  adjusted:       {type: DOUBLE, nullable: true, unit: currency, meaning: "Effect on spend, less what members had spent differently in the 180 days before (CUPED)"}
  adjusted_low:   {type: DOUBLE, nullable: true, unit: currency, meaning: Lower end of its 95 % interval}
  adjusted_high:  {type: DOUBLE, nullable: true, unit: currency, meaning: Upper end of it}
  variance_left:  {type: DOUBLE, nullable: true, min: 0, meaning: "Variance of adjusted as a share of that of effect"}
  is_adjusted:    {type: BOOLEAN, meaning: "Whether adjusted is what counts for says, p_value and extra, because variance_left is at most 0.95"}
  p_value:        {type: DOUBLE, nullable: true, min: 0, max: 1, meaning: "Chance of a difference at least so large if the campaign did nothing"}
  p_holm:         {type: DOUBLE, nullable: true, min: 0, max: 1, meaning: "The same for conversion and spend of the campaign at once (Holm); null for visit, which decides nothing"}
  q_bh:           {type: DOUBLE, nullable: true, min: 0, max: 1, meaning: "Rate of false discoveries among the campaigns of the last 365 days if all up to this one are taken for true (Benjamini and Hochberg), by conversion and spend; null for visit"}
  extra:          {type: DOUBLE, nullable: true, meaning: "What the campaign caused in all: treated × effect, visitors, buyers or currency"}
  extra_low:      {type: DOUBLE, nullable: true, meaning: Lower end of its 95 % interval}
  extra_high:     {type: DOUBLE, nullable: true, meaning: Upper end of it}
  extra_orders:   {type: DOUBLE, unit: orders, nullable: true, meaning: "Of conversion: orders that the campaign caused, treated × difference of orders per member; not the same as extra buyers, some of whom order twice"}
  extra_new_buyers: {type: DOUBLE, unit: customers, nullable: true, meaning: "Of conversion: how many of extra had never bought, treated × difference of the share of them among all members"}
  detectable:     {type: DOUBLE, nullable: true, min: 0, meaning: "Effect that groups of this size would show in four of five cases"}
  before_after:   {type: DOUBLE, nullable: true, meaning: "Of spend without a control group, once it is final: spend of the members in the window by that in as many days before, less 1. Before/after, not causal"}
tests:
  causal_words_only_where_members_were_drawn_by_lot_and_it_is_over: |
    SELECT campaign_id, metric, status, says
    FROM marts.campaign_uplift
    WHERE snapshot_date = $snapshot_date
      AND (says <> 'not_known' OR effect IS NOT NULL OR p_value IS NOT NULL)
      AND (status <> 'known' OR sample_ratio = 'failed' OR is_final = FALSE OR control = 0)
  what_is_said_follows_the_interval: |
    SELECT campaign_id, metric, says, extra_low, extra_high
    FROM marts.campaign_uplift
    WHERE snapshot_date = $snapshot_date
      AND says <> CASE
        WHEN extra_low IS NULL THEN 'not_known'
        WHEN extra_low > 0 THEN 'more'
        WHEN extra_high < 0 THEN 'less'
        ELSE 'no_difference_shown'
      END
*/
