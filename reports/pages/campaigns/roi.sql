/*
title: Profit by campaign
draw: {dots: campaign, value: profit, band: [profit_low, profit_high], beside: 0, title: "caused, less the cost (95% interval)"}
columns:
  campaign: {label: Campaign, page: {folder: campaign, key: campaign_id}}
  cost: {label: Cost, kind: money}
  revenue: {label: Revenue it caused, kind: money}
  profit: {label: Profit, kind: money, interval: [profit_low, profit_high]}
  roi: {label: Return on cost, kind: percent}
  cost_per_order: {label: Cost of an extra order, kind: money}
  cost_per_contact: {label: Cost of a contact, kind: money}
  allowable: {label: A contact may cost, kind: money}
hidden: [campaign_id, worth_it, is_gross]
let:
  best: max_by(rows, profit_low)
  sure: count(*) FILTER (worth_it)
  shown: count(*)
  lost: count(*) FILTER (profit_high < 0)
  gross: bool_or(is_gross)
  spent: sum(cost)
hover: "{{ campaign }}<br>{{ shown }} left ({{ profit_low|show('money') }} to {{ profit_high|show('money') }})<br>{{ cost|show('money') }} spent"
sentence: >-
  {% if sure %}{{ sure|counted("campaign") }} of {{ shown|count }} earned more than the cost even at the lower
  end of the interval, {{ best.campaign }} the most.{% else %}Of {{ shown|counted("campaign") }}, none is sure to have earned
  its cost.{% endif %}{% if lost %} {{ lost|counted("campaign") }} surely lost money.{% endif %}
empty: >-
  No campaign that is over has a control group and a cost, so nobody knows what campaigns earned. An export of campaigns has
  costs; the list of who was held out shows what was caused.
basis: n = {{ shown|counted("campaign") }} · {{ known.first_on|span(snapshot_date) }}
note: >-
  {% if gross %}No margin is set: all revenue counts as if it were earned. {% endif %}A contact may cost what it
  caused, by the mean.
file: {table: campaign_roi, where: all campaigns}
*/
SELECT
  roi.campaign_id,
  coalesce(campaigns.campaign_name, roi.campaign_id) AS campaign,
  roi.cost, roi.revenue, roi.profit, roi.profit_low, roi.profit_high, roi.roi, roi.cost_per_order, roi.cost_per_contact,
  roi.allowable, roi.worth_it, roi.is_gross
FROM marts.campaign_roi AS roi
LEFT JOIN staging.campaigns AS campaigns USING (campaign_id)
WHERE roi.snapshot_date = $snapshot_date AND roi.basis = 'incremental' AND roi.profit IS NOT NULL
ORDER BY roi.profit DESC, roi.campaign_id
LIMIT 25
