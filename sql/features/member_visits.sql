/*
description: "Members of campaigns who visited the web shop in the window of the campaign, up to the end of a day. A query for any day, not a table."
grain: [campaign_id, customer_id]
owner: team:data
columns:
  campaign_id: {type: VARCHAR, meaning: Campaign}
  customer_id: {type: VARCHAR, meaning: Member of it}
  visits:      {type: BIGINT, unit: visits, min: 1, meaning: "Visits that began after the campaign did for the member, and in its window"}
*/
SELECT members.campaign_id, members.customer_id, count(*) AS visits
FROM features.member_outcomes AS members
JOIN features.visits AS visits
  ON visits.customer_id = members.customer_id
  AND visits.began_at > members.started_at
  AND visits.began_on <= members.started_at::DATE + members.window_days
GROUP BY members.campaign_id, members.customer_id
