/*
draw: figures
columns:
  label: Figure
  value: {kind: text}
hidden: [orders, order_revenue, revenue, margin]
context: >-
  {% if value is none %}nothing has been earned yet
  {%- elif margin is not none %}margin {{ margin|money }} on {{ revenue|money }}
  {%- else %}{{ order_revenue|money }} of {{ orders|counted("order") }} not cancelled{% endif %}
*/
-- When profit, or revenue where profit is not known, was highest; of equals the earliest.
SELECT
  'Best ' || period_kind AS label,
  CASE
    WHEN margin IS NULL AND order_revenue <= 0 THEN NULL
    WHEN period_kind = 'month' THEN strftime(starts_on, '%B %Y')
    ELSE CASE period_kind WHEN 'week' THEN 'Week of ' ELSE '' END || strftime(starts_on, '%-d %b %Y')
  END AS value,
  orders, order_revenue, revenue, margin
FROM periods
WHERE is_peak
ORDER BY place
