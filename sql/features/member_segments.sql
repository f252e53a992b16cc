/*
description: "Where the members of campaigns stood on the evening before the campaign began for them: by the orders until then that stand at the end of the day, under the limits of that day. So it can be told of every campaign, whatever snapshots there were, and no limit moves anybody. A query for any day, not a table."
grain: [campaign_id, customer_id]
owner: team:crm
keep: true
columns:
  campaign_id: {type: VARCHAR, meaning: Campaign}
  customer_id: {type: VARCHAR, meaning: Member of it}
  lifecycle:   {type: VARCHAR, values: [lead, first-time, active, defecting, inactive], meaning: "Stage of the lifecycle; lead: had not bought"}
  grid:        {type: VARCHAR, meaning: "Group in the grid of ten; lead: had not bought"}
  axonaut:     {type: VARCHAR, meaning: "Group in Axonaut's seven; lead: had not bought"}
*/
WITH sequenced AS (
  SELECT
    customer_id,
    occasion_on,
    row_number() OVER (PARTITION BY customer_id ORDER BY occasion_on) AS occasions,
    lead(occasion_on) OVER (PARTITION BY customer_id ORDER BY occasion_on) AS next_on
  FROM features.standing_occasions
),
evenings AS (
  SELECT
    members.campaign_id,
    members.customer_id,
    coalesce(sequenced.occasions, 0) AS occasions,
    date_diff('day', sequenced.occasion_on, members.started_at::DATE) - 1 AS silent_days
  FROM features.campaign_members AS members
  LEFT JOIN sequenced
    ON sequenced.customer_id = members.customer_id
    AND sequenced.occasion_on < members.started_at::DATE
    AND coalesce(sequenced.next_on, $snapshot_date) >= members.started_at::DATE
),
cuts AS (
  SELECT measure, step, lowest, highest
  FROM marts.rfm_thresholds
  WHERE snapshot_date = $snapshot_date AND scale = 'score'
),
recencies AS (
  SELECT days.silent_days, coalesce(max(cuts.step), 1) AS r_score
  FROM (SELECT DISTINCT silent_days FROM evenings WHERE occasions > 0) AS days
  LEFT JOIN cuts ON cuts.measure = 'recency' AND cuts.highest >= days.silent_days
  GROUP BY days.silent_days
),
frequencies AS (
  SELECT numbers.occasions, coalesce(max(cuts.step), 1) AS f_score
  FROM (SELECT DISTINCT occasions FROM evenings WHERE occasions > 0) AS numbers
  LEFT JOIN cuts ON cuts.measure = 'frequency' AND cuts.lowest <= numbers.occasions
  GROUP BY numbers.occasions
),
groups AS (
  SELECT
    r_score,
    f_score,
    max(segment) FILTER (WHERE catalogue = 'grid') AS grid,
    max(segment) FILTER (WHERE catalogue = 'axonaut') AS axonaut
  FROM marts.segment_catalogue
  WHERE snapshot_date = $snapshot_date
  GROUP BY r_score, f_score
),
limits AS (
  SELECT
    max(defecting_days) FILTER (WHERE customer_kind = 'one-time') AS one_time_defecting,
    max(inactive_days) FILTER (WHERE customer_kind = 'one-time') AS one_time_inactive
  FROM marts.lifecycle_thresholds
  WHERE snapshot_date = $snapshot_date
),
placed AS (
  SELECT
    evenings.campaign_id,
    evenings.customer_id,
    evenings.occasions,
    evenings.silent_days,
    CASE WHEN evenings.occasions = 1 THEN limits.one_time_defecting ELSE own.defecting_days END AS defecting_days,
    CASE WHEN evenings.occasions = 1 THEN limits.one_time_inactive ELSE own.inactive_days END AS inactive_days,
    groups.grid,
    groups.axonaut
  FROM evenings
  CROSS JOIN limits
  LEFT JOIN recencies ON recencies.silent_days = evenings.silent_days
  LEFT JOIN frequencies ON frequencies.occasions = evenings.occasions
  LEFT JOIN groups ON groups.r_score = recencies.r_score AND groups.f_score = frequencies.f_score
  LEFT JOIN marts.lifecycle_stages AS own
    ON own.snapshot_date = $snapshot_date AND own.customer_id = evenings.customer_id
)
SELECT
  campaign_id,
  customer_id,
  CASE
    WHEN occasions = 0 THEN 'lead'
    WHEN silent_days >= inactive_days THEN 'inactive'
    WHEN silent_days >= defecting_days THEN 'defecting'
    WHEN occasions = 1 THEN 'first-time'
    ELSE 'active'
  END AS lifecycle,
  coalesce(grid, 'lead') AS grid,
  coalesce(axonaut, 'lead') AS axonaut
FROM placed
