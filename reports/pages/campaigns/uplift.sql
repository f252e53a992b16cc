/*
title: What campaigns caused, the most first
term: uplift
each: {key: metric, label: metric_label}
draw: {dots: campaign, value: effect, band: [effect_low, effect_high], beside: 0, title: "difference (95% interval)"}
columns:
  campaign: {label: Campaign, page: {folder: campaign, key: campaign_id}}
  treated_mean: {label: Members who got it, kind_by: kind}
  control_mean: {label: Control group, kind_by: kind}
  effect: {label: Difference, kind_by: difference, interval: [effect_low, effect_high]}
  treated: {label: Got it, kind: count}
  control: {label: In the control group, kind: count}
  quality: {label: Interval}
  q_bh: {label: "False findings, up to this campaign", kind: percent}
hidden: [metric, metric_label, kind, difference, campaign_id, says, all_known]
let:
  members: sum(treated + control)::BIGINT
hover: >-
  {{ campaign }}<br>{{ shown }} ({{ effect_low|show(difference) }} to {{ effect_high|show(difference) }})
  <br>{{ treated|count }} got it, {{ control|count }} did not
sentence: "{{ rows|uplift_sentence(currency) }}"
empty: >-
  No campaign that is over has a control group, so nobody knows what campaigns caused. Hold out one member in ten at
  random next time and send the list of them along (group control).
basis: n = {{ members|counted("member") }} · {{ known.first_on|span(snapshot_date) }}
*/
WITH final AS (
  SELECT
    uplift.*,
    coalesce(campaigns.campaign_name, uplift.campaign_id) AS campaign,
    count(*) OVER (PARTITION BY uplift.metric) AS all_known,
    row_number() OVER (
      PARTITION BY uplift.metric ORDER BY sent.last_sent_on DESC NULLS LAST, uplift.campaign_id
    ) AS latest
  FROM marts.campaign_uplift AS uplift
  LEFT JOIN staging.campaigns AS campaigns USING (campaign_id)
  LEFT JOIN (
    SELECT campaign_id, max(happened_on) AS last_sent_on
    FROM staging.messages
    WHERE happened_on <= $snapshot_date
    GROUP BY campaign_id
  ) AS sent USING (campaign_id)
  WHERE uplift.snapshot_date = $snapshot_date AND uplift.status = 'known' AND uplift.effect_low IS NOT NULL
)
SELECT
  metric,
  CASE metric WHEN 'conversion' THEN 'Who bought' WHEN 'spend' THEN 'What they spent' ELSE 'Who visited' END AS metric_label,
  CASE metric WHEN 'spend' THEN 'money' ELSE 'percent' END AS kind,
  CASE metric WHEN 'spend' THEN 'money' ELSE 'points' END AS difference,
  campaign_id, campaign, treated_mean, control_mean,
  CASE WHEN is_adjusted THEN adjusted ELSE effect END AS effect,
  CASE WHEN is_adjusted THEN adjusted_low ELSE effect_low END AS effect_low,
  CASE WHEN is_adjusted THEN adjusted_high ELSE effect_high END AS effect_high,
  treated, control, quality, q_bh, says, all_known
FROM final
WHERE latest <= 25
ORDER BY CASE metric WHEN 'conversion' THEN 1 WHEN 'spend' THEN 2 ELSE 3 END, effect DESC, campaign_id
