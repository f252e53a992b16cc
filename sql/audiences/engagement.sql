/*
title: By engagement and segment
description: "Customers whose last action (a message opened or clicked, a visit) is at most 90 days ago (engaged), at most 180 (lapsing) or longer (dormant), by their segment in the grid; not_yet: who has not bought. What machines do is no action, and who consented to no channel is in none."
owner: team:crm
advice: "Engaged: write as always. Lapsing: one message that is worth it, by the best contact channel. Dormant: ask whether to go on, then stop; who never reacts costs delivery to the others."
catalogue: engagement
each: audience
values: |
  SELECT levels.level || '_' || segments.segment AS audience
  FROM (VALUES ('engaged'), ('lapsing'), ('dormant')) AS levels (level)
  CROSS JOIN (
    SELECT segment FROM marts.segment_catalogue WHERE snapshot_date = $snapshot_date AND catalogue = 'grid' GROUP BY segment
    UNION ALL
    SELECT 'not_yet' AS segment
  ) AS segments
  WHERE EXISTS (SELECT 1 FROM marts.engagement WHERE snapshot_date = $snapshot_date)
columns:
  customer_id:          {type: VARCHAR, meaning: Customer of the shop}
  last_action_on:       {type: DATE, meaning: "Last day on which the customer opened, clicked or visited"}
  actions_365d:         {type: BIGINT, unit: actions, min: 0, meaning: "Messages opened, messages clicked and visits of the last 365 days"}
  click_rate:           {type: DOUBLE, unit: share, nullable: true, min: 0, max: 1, meaning: "Expected clicks per delivered message"}
  best_contact_channel: {type: VARCHAR, nullable: true, meaning: "Channel with consent that has the highest expected clicks; null where no consents are told of"}
  last_purchase_on:     {type: DATE, nullable: true, meaning: Day of the last purchase that stands}
*/
SELECT
  engagement.level || '_' || coalesce(segments.segment, 'not_yet') AS audience,
  engagement.customer_id,
  engagement.last_action_on,
  engagement.actions_365d,
  engagement.click_rate,
  engagement.best_contact_channel,
  engagement.last_purchase_on
FROM marts.engagement AS engagement
LEFT JOIN marts.rfm_segments AS segments
  ON segments.snapshot_date = engagement.snapshot_date
  AND segments.customer_id = engagement.customer_id
  AND segments.catalogue = 'grid'
WHERE engagement.snapshot_date = $snapshot_date AND engagement.level IN ('engaged', 'lapsing', 'dormant')
