/*
title: From the message to the order
term: funnel
each: {key: channel, label: channel_label}
draw: {bars: stage, series: {share_of_sent: accent, share_of_previous: pale}}
columns:
  stage: Stage
  contacts: {label: Members, kind: count}
  share_of_sent: {label: Of those written to, kind: percent}
  share_of_previous: {label: Of the stage before, kind: percent}
  machine_contacts: {label: "Machines, not counted", kind: count}
  campaigns: {label: Campaigns with this stage, kind: count}
hidden: [channel, channel_label, place, sent]
let:
  sent: max(sent)
hover: "{{ stage }}<br>{{ contacts|count }} members<br>{{ series }}: {{ value|percent }}"
sentence: "{{ rows|funnel_sentence }}"
basis: n = {{ sent|counted("member") }} written to · {{ known.first_on|span(snapshot_date) }}
*/
WITH told AS (
  SELECT
    coalesce(campaigns.channel, 'unknown') AS channel,
    funnel.place, funnel.contacts, funnel.base, funnel.machine_contacts,
    lag(funnel.contacts) OVER (PARTITION BY funnel.campaign_id ORDER BY funnel.place) AS previous
  FROM marts.campaign_funnel AS funnel
  LEFT JOIN staging.campaigns AS campaigns USING (campaign_id)
  WHERE funnel.snapshot_date = $snapshot_date AND funnel.place <= 6
),
shown AS (
  SELECT 0 AS rank, 'all' AS channel, place, contacts, base, machine_contacts, previous FROM told
  UNION ALL
  SELECT 1, channel, place, contacts, base, machine_contacts, previous FROM told
  WHERE (SELECT count(DISTINCT channel) FROM told) > 1
),
stages (place, stage) AS (
  VALUES (1, 'Written to'), (2, 'Delivered'), (3, 'Opened'), (4, 'Clicked'), (5, 'Came to the shop'), (6, 'Bought')
)
SELECT
  shown.channel,
  CASE shown.channel
    WHEN 'all' THEN 'All' WHEN 'sms' THEN 'SMS' WHEN 'email' THEN 'E-mail' WHEN 'push' THEN 'Push' ELSE shown.channel
  END AS channel_label,
  stages.stage,
  sum(shown.contacts)::BIGINT AS contacts,
  sum(shown.contacts) / nullif(sum(shown.base) FILTER (shown.contacts IS NOT NULL), 0)::DOUBLE AS share_of_sent,
  sum(shown.contacts) FILTER (shown.previous IS NOT NULL)
  / nullif(sum(shown.previous) FILTER (shown.contacts IS NOT NULL), 0)::DOUBLE AS share_of_previous,
  sum(shown.machine_contacts)::BIGINT AS machine_contacts,
  count(shown.contacts) AS campaigns,
  shown.place,
  max(sum(shown.base)) OVER (PARTITION BY shown.channel)::BIGINT AS sent
FROM shown
JOIN stages USING (place)
GROUP BY shown.rank, shown.channel, stages.stage, shown.place
HAVING count(shown.contacts) > 0
ORDER BY shown.rank, shown.channel, shown.place
