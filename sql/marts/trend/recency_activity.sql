/*
description: "What customers of each recency tier bought in the last window (90 days unless set) beside the window before. The tier is that of the snapshot date, so the last window also decides the tier: who is short bought lately. Compare a tier with itself over the snapshots."
grain: [snapshot_date, recency_tier]
owner: team:crm
columns:
  snapshot_date:        {type: DATE, meaning: The day whose end the row describes}
  recency_tier:         {type: VARCHAR, values: [short, medium, long], meaning: Time since the last occasion in three steps}
  window_days:          {type: INTEGER, label: "Window, days", unit: days, min: 1, meaning: Length of each of the two windows}
  prior_from:           {type: DATE, meaning: First day of the window before; it ends on the day before recent_from}
  recent_from:          {type: DATE, meaning: First day of the last window; it ends on the snapshot date}
  is_covered:           {type: BOOLEAN, meaning: "Whether the history covers both windows; if not, the changes are null"}
  customers:            {type: BIGINT, unit: customers, min: 0, meaning: Customers in the tier}
  customers_prior:      {type: BIGINT, unit: customers, min: 0, meaning: Those of them whose first occasion was before the last window}
  active_prior:         {type: BIGINT, unit: customers, min: 0, meaning: Customers with an order in the window before}
  active_recent:        {type: BIGINT, unit: customers, min: 0, meaning: Customers with an order in the last window}
  active_share_prior:   {type: DOUBLE, unit: share, nullable: true, min: 0, max: 1, meaning: active_prior / customers_prior}
  active_share_recent:  {type: DOUBLE, unit: share, nullable: true, min: 0, max: 1, meaning: active_recent / customers}
  active_share_change:  {type: DOUBLE, unit: share, nullable: true, min: -1, max: 1, meaning: active_share_recent − active_share_prior}
  items_prior:          {type: "DECIMAL(18,3)", unit: pieces, meaning: "Pieces sold in the window before in orders that are not void, before refunds"}
  items_recent:         {type: "DECIMAL(18,3)", unit: pieces, meaning: "Pieces sold in the last window in orders that are not void, before refunds"}
  items_change:         {type: "DECIMAL(18,3)", unit: pieces, nullable: true, meaning: items_recent − items_prior}
  orders_prior:         {type: BIGINT, unit: orders, min: 0, meaning: Orders of the window before that stand}
  orders_recent:        {type: BIGINT, unit: orders, min: 0, meaning: Orders of the last window that stand}
  orders_change:        {type: BIGINT, unit: orders, nullable: true, meaning: orders_recent − orders_prior}
  revenue_prior:        {type: "DECIMAL(18,2)", unit: currency, meaning: "Sales, charges and refunds booked in the window before"}
  revenue_recent:       {type: "DECIMAL(18,2)", unit: currency, meaning: "Sales, charges and refunds booked in the last window"}
  revenue_change:       {type: "DECIMAL(18,2)", unit: currency, nullable: true, meaning: revenue_recent − revenue_prior}
tests:
  every_tier: |
    SELECT count(*) AS tiers FROM marts.recency_activity WHERE snapshot_date = $snapshot_date HAVING count(*) <> 3
  every_customer_in_one_tier: |
    SELECT sum(customers) AS customers
    FROM marts.recency_activity
    WHERE snapshot_date = $snapshot_date
    HAVING sum(customers) <> (SELECT count(*) FROM marts.rfm_scores WHERE snapshot_date = $snapshot_date)
  the_active_are_customers: |
    SELECT recency_tier FROM marts.recency_activity
    WHERE snapshot_date = $snapshot_date
      AND (active_recent > customers OR active_prior > customers_prior OR customers_prior > customers)
*/
WITH history AS (
  SELECT min(ordered_on) AS first_day
  FROM staging.order_lines
  WHERE ordered_on <= $snapshot_date
),
windows AS (
  SELECT
    settings.activity_window_days AS days,
    $snapshot_date - 2 * settings.activity_window_days + 1 AS prior_from,
    $snapshot_date - settings.activity_window_days + 1 AS recent_from,
    coalesce(history.first_day <= $snapshot_date - 2 * settings.activity_window_days + 1, FALSE) AS is_covered
  FROM params.settings AS settings
  CROSS JOIN history
),
ordered AS (
  SELECT
    occasions.customer_id,
    coalesce(sum(occasions.orders) FILTER (WHERE occasions.occasion_on < windows.recent_from), 0) AS orders_prior,
    coalesce(sum(occasions.orders) FILTER (WHERE occasions.occasion_on >= windows.recent_from), 0) AS orders_recent
  FROM staging.occasions AS occasions
  CROSS JOIN windows
  WHERE occasions.known_on <= $snapshot_date AND occasions.occasion_on >= windows.prior_from
  GROUP BY occasions.customer_id
),
bought AS (
  SELECT
    lines.customer_id,
    sum(lines.quantity) FILTER (WHERE lines.kind = 'sale' AND void.order_id IS NULL AND lines.ordered_on < windows.recent_from) AS items_prior,
    sum(lines.quantity) FILTER (WHERE lines.kind = 'sale' AND void.order_id IS NULL AND lines.ordered_on >= windows.recent_from) AS items_recent,
    sum(lines.amount) FILTER (WHERE lines.ordered_on < windows.recent_from) AS revenue_prior,
    sum(lines.amount) FILTER (WHERE lines.ordered_on >= windows.recent_from) AS revenue_recent
  FROM staging.order_lines AS lines
  CROSS JOIN windows
  LEFT JOIN features.void_orders AS void ON void.order_id = lines.order_id
  WHERE lines.customer_id IS NOT NULL AND lines.ordered_on BETWEEN windows.prior_from AND $snapshot_date
  GROUP BY lines.customer_id
),
tiers AS (
  SELECT
    scores.recency_tier,
    count(*) AS customers,
    count(*) FILTER (WHERE summary.first_purchase_on < windows.recent_from) AS customers_prior,
    count(*) FILTER (WHERE ordered.orders_prior > 0) AS active_prior,
    count(*) FILTER (WHERE ordered.orders_recent > 0) AS active_recent,
    sum(bought.items_prior) AS items_prior,
    sum(bought.items_recent) AS items_recent,
    sum(ordered.orders_prior) AS orders_prior,
    sum(ordered.orders_recent) AS orders_recent,
    sum(bought.revenue_prior) AS revenue_prior,
    sum(bought.revenue_recent) AS revenue_recent
  FROM marts.rfm_scores AS scores
  JOIN marts.customer_summary AS summary
    ON summary.snapshot_date = scores.snapshot_date AND summary.customer_id = scores.customer_id
  CROSS JOIN windows
  LEFT JOIN ordered ON ordered.customer_id = scores.customer_id
  LEFT JOIN bought ON bought.customer_id = scores.customer_id
  WHERE scores.snapshot_date = $snapshot_date
  GROUP BY scores.recency_tier
),
counted AS (
  SELECT
    listed.recency_tier,
    coalesce(tiers.customers, 0) AS customers,
    coalesce(tiers.customers_prior, 0) AS customers_prior,
    coalesce(tiers.active_prior, 0) AS active_prior,
    coalesce(tiers.active_recent, 0) AS active_recent,
    coalesce(tiers.items_prior, 0) AS items_prior,
    coalesce(tiers.items_recent, 0) AS items_recent,
    coalesce(tiers.orders_prior, 0) AS orders_prior,
    coalesce(tiers.orders_recent, 0) AS orders_recent,
    coalesce(tiers.revenue_prior, 0) AS revenue_prior,
    coalesce(tiers.revenue_recent, 0) AS revenue_recent
  FROM (VALUES ('short'), ('medium'), ('long')) AS listed (recency_tier)
  LEFT JOIN tiers ON tiers.recency_tier = listed.recency_tier
)
SELECT
  $snapshot_date AS snapshot_date,
  counted.recency_tier,
  windows.days AS window_days,
  windows.prior_from,
  windows.recent_from,
  windows.is_covered,
  counted.customers,
  counted.customers_prior,
  counted.active_prior,
  counted.active_recent,
  counted.active_prior::DOUBLE / nullif(counted.customers_prior, 0) AS active_share_prior,
  counted.active_recent::DOUBLE / nullif(counted.customers, 0) AS active_share_recent,
  CASE WHEN windows.is_covered THEN
    counted.active_recent::DOUBLE / nullif(counted.customers, 0) - counted.active_prior::DOUBLE / nullif(counted.customers_prior, 0)
  END AS active_share_change,
  counted.items_prior,
  counted.items_recent,
  CASE WHEN windows.is_covered THEN counted.items_recent - counted.items_prior END AS items_change,
  counted.orders_prior,
  counted.orders_recent,
  CASE WHEN windows.is_covered THEN counted.orders_recent - counted.orders_prior END AS orders_change,
  counted.revenue_prior,
  counted.revenue_recent,
  CASE WHEN windows.is_covered THEN counted.revenue_recent - counted.revenue_prior END AS revenue_change
FROM counted
CROSS JOIN windows
