/*
description: "Key figures of whole sectors to compare the shop with, each as the latest row tells it. Empty if no such export was given."
place: 4
thing: benchmark
key: [sector, kpi, period]
newest_by: row
moment: updated_at
changed_at: updated_at
gives: the comparison with the sector
columns:
  sector:     {type: VARCHAR, required: true, length: [1, 200], meaning: Sector of shops the value is of}
  kpi:        {type: VARCHAR, required: true, values: [revenue, orders, buyers, new_buyers, repeat_buyers, repeat_share_of_buyers, one_time_share_of_buyers, repeat_share_of_revenue, one_time_share_of_revenue, mean_order_value, orders_per_buyer, revenue_per_buyer, refund_share, retention_90d, click_rate, conversion_rate, unsubscribe_rate, revenue_per_message], meaning: "Key figure, in lower case"}
  period:     {type: VARCHAR, required: true, pattern: "^[0-9]{4}(-(0[1-9]|1[0-2])|-Q[1-4])?$", otherwise: "is no month (2026-11), quarter (2026-Q4) or year (2026)", meaning: "Month (2026-11), quarter (2026-Q4) or year (2026) that the value is of"}
  value:      {type: DOUBLE, required: true, min: -1e15, max: 1e15, may_be_money: true, meaning: "Value in the sector, in the unit of the key figure"}
  updated_at: {type: TIMESTAMP, meaning: "When the row was last changed, in the shop's time zone; of two rows, the later counts"}
filled:
  - {kpi: lower(kpi), period: upper(period)}
*/
