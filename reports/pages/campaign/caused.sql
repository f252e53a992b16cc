/*
title: Who bought, with and without it
term: uplift
draw: {dots: members, value: share, band: [low, high], title: "bought in the window (95% interval)"}
columns:
  campaign_id: {hidden: true}
  members: Members
  share: {label: Bought, kind: percent, interval: [low, high]}
  buyers: {label: Buyers, kind: count}
  base: {label: All, kind: count}
let:
  base: sum(base)::BIGINT
hover: "{{ members }}<br>{{ share|percent }}: {{ buyers|count }} of {{ base|count }}"
sentence: "{{ uplift|caused_sentence(spend, currency) }}"
empty: "{{ uplift|uncaused_sentence(spend) }}"
basis: n = {{ base|counted("member") }} · {{ each.first_on|span(snapshot_date) }}
*/
SELECT
  funnel.campaign_id,
  CASE funnel.stage WHEN 'bought_any' THEN 'Got it' ELSE 'Control group' END AS members,
  funnel.share_of_sent AS share,
  funnel.share_of_sent_low AS low,
  funnel.share_of_sent_high AS high,
  funnel.contacts AS buyers,
  funnel.base
FROM marts.campaign_funnel AS funnel
JOIN marts.campaign_uplift AS uplift
  ON uplift.snapshot_date = funnel.snapshot_date AND uplift.campaign_id = funnel.campaign_id
  AND uplift.metric = 'conversion' AND uplift.status = 'known'
WHERE funnel.snapshot_date = $snapshot_date AND funnel.campaign_id IN (SELECT unnest($campaign_ids))
  AND funnel.stage IN ('bought_any', 'bought_control')
ORDER BY funnel.stage
