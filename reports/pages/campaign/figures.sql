/*
draw: figures
columns:
  label: Figure
  value: {kind_by: kind}
hidden: [kind, said, low, high]
empty: ""
context: >-
  {% if low is not none %}95% interval: {{ low|count }} to {{ high|count }}{% else %}{{ said or "" }}{% endif %}
*/
WITH funnel AS (
  SELECT
    max(base) FILTER (stage = 'sent') AS contacts,
    max(contacts) FILTER (stage = 'delivered') AS delivered,
    max(contacts) FILTER (stage = 'clicked') AS clicked
  FROM marts.campaign_funnel
  WHERE snapshot_date = $snapshot_date AND campaign_id = $campaign_id
),
ended AS (
  SELECT
    count(DISTINCT customer_id) FILTER (event = 'unsubscribed') AS unsubscribed,
    count(DISTINCT customer_id) FILTER (event = 'complained') AS complained
  FROM staging.messages
  WHERE campaign_id = $campaign_id AND happened_on <= $snapshot_date
),
uplift AS (
  SELECT
    CASE says WHEN 'not_known' THEN NULL ELSE extra END AS extra,
    extra_low, extra_high,
    CASE status
      WHEN 'running' THEN 'not known yet: still running'
      WHEN 'no_control' THEN 'not known: no control group'
      WHEN 'srm_failed' THEN 'not known: groups are not as drawn'
    END AS why
  FROM marts.campaign_uplift
  WHERE snapshot_date = $snapshot_date AND campaign_id = $campaign_id AND metric = 'conversion'
),
costs AS (
  SELECT max(cost)::DOUBLE AS cost FROM staging.campaigns WHERE campaign_id = $campaign_id
),
credited AS (
  SELECT max(revenue) AS revenue, max(orders) AS orders
  FROM marts.campaign_performance
  WHERE snapshot_date = $snapshot_date AND campaign_id = $campaign_id AND model = 'last_touch' AND eligibility = 'click'
),
figures AS (
  SELECT
    1 AS place, 'Extra buyers it caused' AS label, extra AS value, 'count' AS kind, why AS said, extra_low AS low,
    extra_high AS high
  FROM uplift
  UNION ALL
  SELECT 2, 'Cost', cost, 'money', CASE WHEN cost IS NULL THEN 'the export campaigns tells it' END, NULL, NULL FROM costs
  UNION ALL
  SELECT 3, 'Revenue after a click', revenue, 'money', 'ascribed, not caused', NULL, NULL FROM credited
  UNION ALL
  SELECT 4, 'Members written to', contacts, 'count', format('{:,} delivered', delivered), NULL, NULL FROM funnel
  UNION ALL
  SELECT
    5, 'Clicked', clicked / nullif(contacts, 0)::DOUBLE, 'percent', format('{:,} of those written to', clicked), NULL, NULL
  FROM funnel
  UNION ALL
  SELECT
    6, 'Unsubscribed', ended.unsubscribed / nullif(funnel.delivered, 0)::DOUBLE, 'percent',
    format('{:,} of those it was delivered to; {:,} complained', ended.unsubscribed, ended.complained), NULL, NULL
  FROM ended
  CROSS JOIN funnel
)
SELECT label, value, kind, said, low, high
FROM figures
ORDER BY place
