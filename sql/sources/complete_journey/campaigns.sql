/*
description: "Campaigns of The Complete Journey (dunnhumby; the file campaign_descriptions): coupon booklets by post. All of one type (A, B or C) are a programme; orders are looked at until the coupons end. There are no costs and no control groups."
owner: team:data
foreign: [household_id]
raw:
  campaign_id:   {required: true}
  campaign_type: {required: true, meaning: "Type A, Type B or Type C"}
  start_date:    {required: true}
  end_date:      {required: true}
*/
SELECT
  row_number,
  campaign_id,
  campaign_type || ', campaign ' || campaign_id AS campaign_name,
  campaign_type AS programme,
  'mail' AS channel,
  start_date AS sent_at,
  CAST(date_diff('day', TRY_CAST(start_date AS DATE), TRY_CAST(end_date AS DATE)) AS INTEGER) AS window_days
FROM export
