/*
description: "CDNOW's public file: one purchase per line, columns aligned with spaces: customer, day (yyyymmdd), CDs, dollars. It has no order id, so customer and day are the order; equal lines are separate purchases and kept, the published totals need them."
owner: team:data
reads: lines
duplicate_lines: keep
raw:
  line: {required: true}
*/
WITH fields AS (
  SELECT
    row_number,
    regexp_extract(line, '^\s*(\S+)\s+(\S+)\s+(\S+)\s+(\S+)\s*$', 1) AS customer,
    regexp_extract(line, '^\s*(\S+)\s+(\S+)\s+(\S+)\s+(\S+)\s*$', 2) AS day,
    regexp_extract(line, '^\s*(\S+)\s+(\S+)\s+(\S+)\s+(\S+)\s*$', 3) AS discs,
    regexp_extract(line, '^\s*(\S+)\s+(\S+)\s+(\S+)\s+(\S+)\s*$', 4) AS dollars
  FROM export
)
SELECT
  row_number,
  customer || '-' || day AS order_id,
  customer AS customer_id,
  try_strptime(day, '%Y%m%d') AS ordered_at,
  TRY_CAST(discs AS DECIMAL(18,3)) AS quantity,
  TRY_CAST(dollars AS DECIMAL(18,2)) AS amount
FROM fields
