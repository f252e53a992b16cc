/*
title: The most value at stake
draw: table
columns:
  segment: {hidden: true}
  customer_id: {label: Customer, page: {folder: customer, key: customer_id}}
  action: {label: Action, missing: none now}
  at_stake: {label: At stake, kind: money}
  predicted_clv: {label: Predicted value, kind: money}
  churn_probability: {label: Churn probability, kind: percent}
  recency_days: {label: Days since last order, kind: count}
  occasions: {label: Order days, kind: count}
  next_purchase_median: {label: Next order likely by, kind: date}
  discount_band: {label: Discount at most, missing: unknown}
hidden: [everybody]
let:
  listed: count(*)
  everybody: max(everybody)
empty: Nobody is in this segment.
basis: >-
  n = {{ everybody|counted("customer") }} · {{ listed|first_of(everybody, "customer") }} ·
  orders {{ facts.range }}
note: At stake as on Actions; it is unknown for customers in no action.
*/
WITH everybody AS (
  SELECT
    segments.segment,
    whole.*,
    listed.label AS action,
    members.value_at_stake AS at_stake,
    count(*) OVER (PARTITION BY segments.segment) AS everybody
  FROM marts.rfm_segments AS segments
  JOIN params.settings AS settings ON settings.catalogue = segments.catalogue
  JOIN marts.customer_360 AS whole
    ON whole.snapshot_date = segments.snapshot_date AND whole.customer_id = segments.customer_id
  LEFT JOIN marts.action_members AS members
    ON members.snapshot_date = segments.snapshot_date AND members.customer_id = segments.customer_id
  LEFT JOIN marts.action_list AS listed
    ON listed.snapshot_date = members.snapshot_date AND listed.action = members.action
  WHERE segments.snapshot_date = $snapshot_date AND segments.segment IN (SELECT unnest($segments))
)
SELECT
  segment, customer_id, action, at_stake, predicted_clv, churn_probability, recency_days, occasions, next_purchase_median,
  CASE discount_band WHEN 'mid' THEN 'middle' ELSE discount_band END AS discount_band,
  everybody
FROM everybody
WHERE customer_id NOT IN (SELECT customer_id FROM staging.objections)  -- counted, and not named
QUALIFY row_number() OVER (
  PARTITION BY segment ORDER BY at_stake DESC NULLS LAST, predicted_clv DESC NULLS LAST, revenue_12_months DESC, customer_id
) <= 20
ORDER BY segment, at_stake DESC NULLS LAST, predicted_clv DESC NULLS LAST, revenue_12_months DESC, customer_id
