/*
draw: figures
columns:
  label: Figure
  value: {kind_by: kind}
hidden: [campaign_id, kind, said, low, high, people, complained]
context: >-
  {% if low is not none %}95% interval: {{ low|count }} to {{ high|count }}{% else %}{% if people is not none
  %}{{ people|count }} {% endif %}{{ said or "" }}{% if complained is not none %}; {{ complained|count }} complained{% endif
  %}{% endif %}
*/
WITH funnel AS (
  SELECT
    campaign_id,
    max(base) FILTER (stage = 'sent') AS contacts,
    max(contacts) FILTER (stage = 'delivered') AS delivered,
    max(contacts) FILTER (stage = 'clicked') AS clicked
  FROM marts.campaign_funnel
  WHERE snapshot_date = $snapshot_date AND campaign_id IN (SELECT unnest($campaign_ids))
  GROUP BY campaign_id
),
ended AS (
  SELECT
    campaign_id,
    count(DISTINCT customer_id) FILTER (event = 'unsubscribed') AS unsubscribed,
    count(DISTINCT customer_id) FILTER (event = 'complained') AS complained
  FROM staging.messages
  WHERE campaign_id IN (SELECT unnest($campaign_ids)) AND happened_on <= $snapshot_date
  GROUP BY campaign_id
),
uplift AS (
  SELECT
    campaign_id,
    metric,
    CASE says WHEN 'not_known' THEN NULL ELSE extra END AS extra,
    extra_low, extra_high,
    CASE status
      WHEN 'running' THEN 'not known yet: still running'
      WHEN 'no_control' THEN 'not known: no control group'
      WHEN 'srm_failed' THEN 'not known: groups are not as drawn'
    END AS why
  FROM marts.campaign_uplift
  WHERE snapshot_date = $snapshot_date AND metric = 'conversion'
),
costs AS (
  SELECT campaign_id, max(cost)::DOUBLE AS cost FROM staging.campaigns GROUP BY campaign_id
),
credited AS (
  SELECT campaign_id, max(revenue) AS revenue, max(orders) AS orders
  FROM marts.campaign_performance
  WHERE snapshot_date = $snapshot_date AND model = 'last_touch' AND eligibility = 'click'
  GROUP BY campaign_id
)
SELECT
  funnel.campaign_id,
  figures.label, figures.value, figures.kind, figures.said, figures.low, figures.high, figures.people, figures.complained
FROM funnel
LEFT JOIN ended USING (campaign_id)
LEFT JOIN costs USING (campaign_id)
LEFT JOIN credited USING (campaign_id)
LEFT JOIN uplift USING (campaign_id)
CROSS JOIN (
  VALUES
    (1, 'Extra buyers it caused', uplift.extra, 'count', uplift.why, uplift.extra_low, uplift.extra_high, NULL, NULL),
    (2, 'Cost', costs.cost, 'money', CASE WHEN costs.cost IS NULL THEN 'not in the export of campaigns' END, NULL, NULL,
     NULL, NULL),
    (3, 'Revenue after a click', credited.revenue, 'money', 'attributed, not caused', NULL, NULL, NULL, NULL),
    (4, 'Members written to', funnel.contacts, 'count', 'delivered', NULL, NULL, funnel.delivered, NULL),
    (5, 'Clicked', funnel.clicked / nullif(funnel.contacts, 0)::DOUBLE, 'percent', 'of those written to', NULL, NULL,
     funnel.clicked, NULL),
    (6, 'Unsubscribed', coalesce(ended.unsubscribed, 0) / nullif(funnel.delivered, 0)::DOUBLE, 'percent',
     'of those it was delivered to', NULL, NULL, coalesce(ended.unsubscribed, 0),
     coalesce(ended.complained, 0))
) AS figures (place, label, value, kind, said, low, high, people, complained)
WHERE figures.place > 1 OR uplift.metric IS NOT NULL
ORDER BY figures.place
