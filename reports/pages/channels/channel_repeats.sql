/*
title: Who comes back to a channel
draw: table
columns:
  channel: {label: Channel, say: channel_name}
  repeat_watched: Buyers watched
  repeat_rate_180: {label: Bought there again, interval: [repeat_low, repeat_high]}
basis: n = {{ watched|counted("buyer") }} · {{ known.first_on|span(snapshot_date) }}
let:
  watched: sum(repeat_watched)
note: >-
  Of the buyers whose first purchase through the channel in these days is at least 180 days old, those who bought through
  it again within 180 days. Channels of fewer than 30 such buyers are left out. That a channel has more of them does not
  say that it makes them.
*/
SELECT channel, repeat_watched, repeat_rate_180, repeat_low, repeat_high
FROM marts.channel_performance
WHERE snapshot_date = $snapshot_date AND period_days = 365 AND repeat_rate_180 IS NOT NULL AND channel <> 'unknown'
ORDER BY repeat_rate_180 DESC, channel
