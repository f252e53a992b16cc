/*
title: Discounts, channels and products
draw: table
columns:
  topic: What
  item: {label: Most often, kind: text}
  customers: {label: Customers, kind: count}
  share: {label: Share of the segment, kind: percent}
  others: {label: Then, missing: –}
hidden: [segment, everybody]
let:
  everybody: max(everybody)
basis: n = {{ everybody|counted("customer") }} · orders {{ facts.range }}
note: What holds for fewer than one in twenty is left out; a product or channel is named only where exports name it.
*/
WITH members AS (
  SELECT segments.segment, whole.*, count(*) OVER (PARTITION BY segments.segment) AS everybody
  FROM marts.rfm_segments AS segments
  JOIN params.settings AS settings ON settings.catalogue = segments.catalogue
  JOIN marts.customer_360 AS whole
    ON whole.snapshot_date = segments.snapshot_date AND whole.customer_id = segments.customer_id
  WHERE segments.snapshot_date = $snapshot_date AND segments.segment IN (SELECT unnest($segments))
),
told AS (
  SELECT segment, everybody, 1 AS place, 'Discount at most' AS topic, discount_band AS item FROM members
  UNION ALL
  SELECT segment, everybody, 2, 'Best channel to write by', best_contact_channel FROM members
  UNION ALL
  SELECT segment, everybody, 3, 'Channel of the next order', order_channel FROM members
  UNION ALL
  SELECT segment, everybody, 4, 'Buys mostly', main_category FROM members
  UNION ALL
  SELECT segment, everybody, 5, 'Likely to buy next', next_category FROM members
  UNION ALL
  SELECT segment, everybody, 6, 'Likely to buy again', repeat_item FROM members
  UNION ALL
  SELECT segment, everybody, 7, 'New to them, to offer', new_product FROM members
),
counted AS (
  SELECT
    segment, place, topic, item,
    max(everybody) AS everybody,
    count(*) AS customers,
    row_number() OVER (PARTITION BY segment, place ORDER BY count(*) DESC, item) AS rank
  FROM told
  WHERE item IS NOT NULL
  GROUP BY segment, place, topic, item
),
named AS (
  SELECT
    counted.*,
    CASE
      WHEN counted.place <= 3
        THEN CASE counted.item
          WHEN 'none' THEN 'No discount' WHEN 'email' THEN 'E-mail' WHEN 'sms' THEN 'SMS' WHEN 'mid' THEN 'Middle'
          ELSE upper(left(counted.item, 1)) || replace(substr(counted.item, 2), '_', ' ')
        END
      WHEN counted.place >= 6 THEN coalesce(names.label, counted.item)
      ELSE counted.item
    END AS called
  FROM counted
  LEFT JOIN marts.product_names AS names ON names.snapshot_date = $snapshot_date AND names.product_id = counted.item
  WHERE counted.rank <= 3 AND 20 * counted.customers >= counted.everybody
)
SELECT
  segment, topic,
  min_by(called, rank) AS item,
  max(customers) AS customers,
  max(customers) / nullif(max(everybody), 0)::DOUBLE AS share,
  string_agg(called, ', ' ORDER BY rank) FILTER (rank > 1) AS others,
  max(everybody) AS everybody
FROM named
GROUP BY segment, place, topic
ORDER BY segment, place
