/*
title: What to do, by what is known
draw: table
columns:
  customer_id: {hidden: true}
  topic: What
  item: {label: Which, kind: text}
  due: {label: When, kind: text}
let:
  topics: count(*)
empty: Nothing is known of what comes next.
basis: n = {{ topics|counted("entry", "entries") }} · {{ each.first_purchase_on|span(snapshot_date) }}
*/
WITH own AS (
  SELECT * FROM marts.customer_360 WHERE snapshot_date = $snapshot_date AND customer_id IN (SELECT unnest($customer_ids))
),
contact AS (
  SELECT customer_id, channel, reason, contact_on
  FROM marts.contact_calendar
  WHERE snapshot_date = $snapshot_date AND customer_id IN (SELECT unnest($customer_ids))
  QUALIFY row_number() OVER (PARTITION BY customer_id ORDER BY contact_on, reason) = 1
),
told AS (
  SELECT
    members.customer_id, 1 AS place, 'Action: ' || listed.label AS topic, listed.advice AS item, members.since AS day,
    'since ' AS said
  FROM marts.action_members AS members
  JOIN marts.action_list AS listed ON listed.snapshot_date = members.snapshot_date AND listed.action = members.action
  WHERE members.snapshot_date = $snapshot_date AND members.customer_id IN (SELECT unnest($customer_ids))
  UNION ALL
  SELECT
    customer_id, 2, 'Next contact',
    CASE reason
      WHEN 'need_stage' THEN 'a new need begins' WHEN 'repeat_due' THEN 'due to buy again'
      WHEN 'next_purchase' THEN 'the next order is expected' ELSE 'half of those alike are back by then'
    END || coalesce(', by ' || CASE channel WHEN 'email' THEN 'e-mail' WHEN 'sms' THEN 'SMS' ELSE channel END, ''),
    contact_on, ''
  FROM contact
  UNION ALL
  SELECT
    customer_id, 3, 'Discount at most', CASE discount_band WHEN 'mid' THEN 'middle' ELSE discount_band END, NULL, ''
  FROM own
  UNION ALL
  SELECT
    customer_id, 4, 'Best channel to write by',
    CASE best_contact_channel WHEN 'email' THEN 'e-mail' WHEN 'sms' THEN 'SMS' ELSE best_contact_channel END, NULL, '' FROM own
  UNION ALL
  SELECT
    customer_id, 5, 'Next order likely',
    CASE WHEN next_purchase_median IS NOT NULL THEN 'half of those alike by then' END, next_purchase_median, ''
  FROM own
  UNION ALL
  SELECT customer_id, 6, 'Likely category', next_category, NULL, '' FROM own
  UNION ALL
  SELECT own.customer_id, 7, 'Due again', coalesce(names.label, own.repeat_item), own.repeat_due_on,
    CASE WHEN own.repeat_due_on <= $snapshot_date THEN 'since ' ELSE '' END
  FROM own
  LEFT JOIN marts.product_names AS names ON names.snapshot_date = $snapshot_date AND names.product_id = own.repeat_item
  UNION ALL
  SELECT own.customer_id, 8, 'New, to offer', coalesce(names.label, own.new_product), NULL, ''
  FROM own
  LEFT JOIN marts.product_names AS names ON names.snapshot_date = $snapshot_date AND names.product_id = own.new_product
)
SELECT customer_id, topic, item, coalesce(said || strftime(day, '%-d %b %Y'), '') AS due
FROM told
WHERE item IS NOT NULL
ORDER BY customer_id, place, topic
