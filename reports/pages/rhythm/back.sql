/*
title: Best time to remind, by order
term: best-time-to-remind
draw: table
columns:
  step: Order
  silences: {label: Watched, kind: count}
  horizon_days: {label: By day, kind: count}
  share_back: {label: Order again, kind: percent, interval: [share_back_low, share_back_high]}
  back_p25_days: "25% on day"
  back_p50_days: {label: "50%: remind on", kind: count, interval: [back_p50_low, back_p50_high]}
  back_p75_days: {label: "75%: win back on", kind: count, interval: [back_p75_low, back_p75_high]}
  key_moment_days: Chance halves
let:
  silences: sum(silences)
basis: n = {{ silences|counted("order") }} watched · orders {{ facts.range }}
note: >-
  Orders of the last 730 days; “by day” is the longest of 365, 270, 180 and 90 days at which 200 customers are still
  waited for. The days are of those who are back by then, so who never returns delays none; with fewer than 20 of them they
  are unknown. Chance halves: first day on which the chance to order by that day is below half of what it was; it follows
  the horizon, so never compare it across two.
*/
SELECT
  order_number || ' → ' || (order_number + 1) AS step,
  silences, horizon_days, share_back, share_back_low, share_back_high, back_p25_days, back_p50_days, back_p50_low,
  back_p50_high, back_p75_days, back_p75_low, back_p75_high, key_moment_days
FROM marts.key_moments
WHERE snapshot_date = $snapshot_date AND cohort = 'all' AND is_main
ORDER BY order_number
