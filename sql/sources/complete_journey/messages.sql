/*
description: "Who was sent a campaign of The Complete Journey (dunnhumby; the file campaigns): one row per household and campaign, on the day the campaign started. Whether the post arrived or was read is not known; coupons that were redeemed are in another file, which is not read."
owner: team:data
foreign: [coupon_upc, start_date, basket_id]
raw:
  campaign_id:  {required: true}
  household_id: {required: true}
*/
SELECT row_number, campaign_id, household_id AS customer_id, 'assigned' AS event, NULL::VARCHAR AS happened_at
FROM export
