/*
title: "Without a control group: before/after, not causal"
draw: table
columns:
  campaign: {label: Campaign, page: {folder: campaign, key: campaign_id}}
  treated: {label: Members, kind: count}
  treated_mean: {label: Spent in the window, kind: money}
  before_after: {label: Against as many days before, kind: percent}
hidden: [campaign_id]
let:
  members: sum(treated)::BIGINT
sentence: >-
  What these members spent after the campaign against before it. It says nothing of the campaign: who is chosen because they
  bought lately spends less afterwards without it, and who is chosen because they had stopped spends more.
basis: n = {{ members|counted("member") }} · {{ known.first_on|span(snapshot_date) }}
*/
SELECT
  uplift.campaign_id,
  coalesce(campaigns.campaign_name, uplift.campaign_id) AS campaign,
  uplift.treated, uplift.treated_mean, uplift.before_after
FROM marts.campaign_uplift AS uplift
LEFT JOIN staging.campaigns AS campaigns USING (campaign_id)
WHERE uplift.snapshot_date = $snapshot_date AND uplift.metric = 'spend' AND uplift.status = 'no_control'
  AND uplift.before_after IS NOT NULL
ORDER BY uplift.treated DESC, uplift.campaign_id
LIMIT 25
