/*
title: Message funnel
term: funnel
draw: {bars: stage, series: {share_of_sent: accent, share_of_previous: pale}}
columns:
  campaign_id: {hidden: true}
  stage: Stage
  contacts: {label: Members, kind: count}
  share_of_sent: {label: Of those written to, kind: percent, interval: [share_of_sent_low, share_of_sent_high]}
  share_of_previous: {label: Of the stage before, kind: percent, interval: [share_of_previous_low, share_of_previous_high]}
  machine_contacts: {label: "Machines, not counted", kind: count}
let:
  sent: max(contacts)
hover: "{{ stage }}<br>{{ contacts|count }} members<br>{{ series }}: {{ value|percent }}"
sentence: "{{ rows|funnel_sentence }}"
basis: n = {{ sent|counted("member") }} written to · {{ each.first_on|span(snapshot_date) }}
*/
WITH stages (stage, label) AS (
  VALUES ('sent', 'Written to'), ('delivered', 'Delivered'), ('opened', 'Opened'), ('clicked', 'Clicked'),
    ('visited', 'Came to the shop'), ('bought', 'Bought')
)
SELECT
  funnel.campaign_id,
  stages.label AS stage,
  funnel.contacts, funnel.share_of_sent, funnel.share_of_sent_low, funnel.share_of_sent_high, funnel.share_of_previous,
  funnel.share_of_previous_low, funnel.share_of_previous_high, funnel.machine_contacts
FROM marts.campaign_funnel AS funnel
JOIN stages ON stages.stage = funnel.stage
WHERE funnel.snapshot_date = $snapshot_date AND funnel.campaign_id IN (SELECT unnest($campaign_ids))
  AND funnel.contacts IS NOT NULL AND funnel.base > 0
ORDER BY funnel.place
