/*
draw: figures
columns:
  label: Figure
  value: {kind: text}
hidden: [orders, order_revenue, revenue, margin]
empty: ""
context: >-
  {% if value is none %}nothing has been earned yet
  {%- elif margin is not none %}margin {{ margin|money }} on {{ revenue|money }}
  {%- else %}{{ order_revenue|money }} of {{ orders|counted("order") }} that {{ "stands" if orders == 1 else "stand" }}{% endif %}
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
FROM marts.revenue_calendar
WHERE snapshot_date = $snapshot_date
QUALIFY row_number() OVER (PARTITION BY period_kind ORDER BY margin_rank NULLS LAST, peak_rank, starts_on) = 1
ORDER BY CASE period_kind WHEN 'month' THEN 1 WHEN 'week' THEN 2 ELSE 3 END
