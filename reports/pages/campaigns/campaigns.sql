/*
title: Campaigns, the last one first
draw: table
columns:
  campaign: {label: Campaign, page: {folder: campaign, key: campaign_id}}
  last_sent_on: Last sent
  contacts: {label: Members written to, kind: count}
  caused: {label: Caused, missing: not known}
  extra: {label: Extra buyers, kind: count, interval: [extra_low, extra_high]}
  cost: {label: Cost, kind: money}
  profit: {label: Left after the cost, kind: money}
  revenue: {label: "After a click, not caused", kind: money}
hidden: [campaign_id, status, says, all_campaigns]
let:
  shown: count(*)
  all_campaigns: max(all_campaigns)
sentence: "{{ rows|campaigns_sentence }}"
basis: n = {{ shown|counted("campaign") }} · {{ known.first_on|span(snapshot_date) }}
note: >-
  {% if all_campaigns > shown %}The {{ shown }} that wrote last of {{ all_campaigns|count }}. {% endif %}Extra buyers, and what
  is left after the cost, are what the campaign caused, and not known without a control group. What is left needs
  more than that: a cost, and 20 buyers who got it and 20 who did not. Revenue after a click is what its members spent within its
  window of a click that was their last; most of them would have bought anyway.
file: {table: campaign_uplift, where: all campaigns}
*/
WITH sent AS (
  SELECT campaign_id, max(happened_on) AS last_sent_on
  FROM staging.messages
  WHERE happened_on <= $snapshot_date AND group_name = 'treated'
  GROUP BY campaign_id
)
SELECT
  funnel.campaign_id,
  coalesce(campaigns.campaign_name, funnel.campaign_id) AS campaign,
  coalesce(campaigns.sent_on, sent.last_sent_on) AS last_sent_on,
  funnel.base AS contacts,
  CASE
    WHEN uplift.says = 'more' THEN 'more buyers'
    WHEN uplift.says = 'less' THEN 'fewer buyers'
    WHEN uplift.says = 'no_difference_shown' THEN 'none shown'
    WHEN uplift.status = 'running' THEN 'still running'
  END AS caused,
  round(uplift.extra)::BIGINT AS extra,
  round(uplift.extra_low)::BIGINT AS extra_low,
  round(uplift.extra_high)::BIGINT AS extra_high,
  campaigns.cost,
  earned.profit,
  credited.revenue_exact AS revenue,
  uplift.status, uplift.says,
  count(*) OVER () AS all_campaigns
FROM marts.campaign_funnel AS funnel
LEFT JOIN staging.campaigns AS campaigns USING (campaign_id)
LEFT JOIN sent USING (campaign_id)
LEFT JOIN marts.campaign_uplift AS uplift
  ON uplift.snapshot_date = funnel.snapshot_date AND uplift.campaign_id = funnel.campaign_id
  AND uplift.metric = 'conversion'
LEFT JOIN marts.campaign_roi AS earned
  ON earned.snapshot_date = funnel.snapshot_date AND earned.campaign_id = funnel.campaign_id
  AND earned.basis = 'incremental'
LEFT JOIN marts.campaign_performance AS credited
  ON credited.snapshot_date = funnel.snapshot_date AND credited.campaign_id = funnel.campaign_id
  AND credited.model = 'last_touch' AND credited.eligibility = 'click'
WHERE funnel.snapshot_date = $snapshot_date AND funnel.stage = 'sent'
ORDER BY last_sent_on DESC NULLS LAST, funnel.campaign_id
LIMIT 50
