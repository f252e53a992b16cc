/*
description: "Members of campaigns (features.campaign_members), each with what they ordered and where they stood on the evening before the campaign began for them: by the orders until then that stand at the end of the day, under the limits of that day. So it can be told of every campaign, whatever snapshots there were, and no limit moves anybody. A query for any day, not a table."
grain: [campaign_id, customer_id]
owner: team:crm
keep: true
columns:
  campaign_id:        {type: VARCHAR, meaning: Campaign}
  customer_id:        {type: VARCHAR, meaning: Member of it}
  group_name:         {type: VARCHAR, values: [treated, control], meaning: "control: some event, or the audience, says so; nothing but who was assigned should be told of them"}
  started_at:         {type: TIMESTAMP, meaning: "From when on orders are looked at: when a mailing was sent; of a rule or a workflow, when the member was assigned, else first told of"}
  drawn_share:        {type: DOUBLE, unit: share, nullable: true, min: 0, max: 1, meaning: "Chance of a member of the audience to be left alone, where that made the campaign's control group"}
  window_days:        {type: INTEGER, unit: days, min: 1, meaning: "Days after that in which orders are looked at; 5 for campaigns that nobody told of"}
  messages:           {type: INTEGER, unit: messages, min: 0, meaning: "Messages sent, bounced ones included. Of control members, what should not have been"}
  delivered:          {type: INTEGER, unit: messages, min: 0, meaning: "Of these, delivered: told, or not told to have bounced by a service that tells of no delivery; or a person did something with it"}
  opened:             {type: INTEGER, unit: messages, min: 0, meaning: "Opened by a person, or clicked"}
  clicked:            {type: INTEGER, unit: messages, min: 0, meaning: Clicked by a person}
  machine_opened:     {type: INTEGER, unit: messages, min: 0, meaning: Opened by a machine}
  machine_clicked:    {type: INTEGER, unit: messages, min: 0, meaning: Clicked by a machine}
  unmarked_opened:    {type: INTEGER, unit: messages, min: 0, meaning: Opened by nobody knows whom}
  out_of_order:       {type: INTEGER, unit: messages, min: 0, meaning: "Messages of which something is told before their campaign was sent, or that were opened or clicked more than 30 minutes before they went out"}
  tells_of_delivery:  {type: INTEGER, min: 0, max: 1, meaning: "1 if the service tells of deliveries of the campaign"}
  open_is_known:      {type: INTEGER, min: 0, max: 1, meaning: "0 if nobody knows who opened the campaign's messages"}
  lifecycle:          {type: VARCHAR, values: [lead, first-time, active, defecting, inactive], meaning: "Stage of the lifecycle; lead: had not bought"}
  grid:               {type: VARCHAR, meaning: "Group in the grid of ten; lead: had not bought"}
  axonaut:            {type: VARCHAR, meaning: "Group in Axonaut's seven; lead: had not bought"}
  orders:             {type: BIGINT, unit: orders, min: 0, meaning: Orders in the window}
  spend:              {type: "DECIMAL(18,2)", unit: currency, meaning: "What they brought, less what was paid back by the end of the day"}
  spend_before:       {type: "DECIMAL(18,2)", unit: currency, meaning: "The same of orders in as many days before the campaign began for the member as its window has"}
  spend_180d:         {type: "DECIMAL(18,2)", unit: currency, meaning: "The same of orders in the 180 days before it began"}
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
    members.group_name,
    members.started_at,
    members.drawn_share,
    members.window_days,
    members.messages,
    members.delivered,
    members.opened,
    members.clicked,
    members.machine_opened,
    members.machine_clicked,
    members.unmarked_opened,
    members.out_of_order,
    members.tells_of_delivery,
    members.open_is_known,
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
)
SELECT
  evenings.campaign_id,
  evenings.customer_id,
  evenings.group_name,
  evenings.started_at,
  evenings.drawn_share,
  evenings.window_days,
  evenings.messages,
  evenings.delivered,
  evenings.opened,
  evenings.clicked,
  evenings.machine_opened,
  evenings.machine_clicked,
  evenings.unmarked_opened,
  evenings.out_of_order,
  evenings.tells_of_delivery,
  evenings.open_is_known,
  CASE
    WHEN evenings.occasions = 0 THEN 'lead'
    WHEN evenings.silent_days >= CASE WHEN evenings.occasions = 1 THEN limits.one_time_inactive ELSE own.inactive_days END
      THEN 'inactive'
    WHEN evenings.silent_days >= CASE WHEN evenings.occasions = 1 THEN limits.one_time_defecting ELSE own.defecting_days END
      THEN 'defecting'
    WHEN evenings.occasions = 1 THEN 'first-time'
    ELSE 'active'
  END AS lifecycle,
  coalesce(groups.grid, 'lead') AS grid,
  coalesce(groups.axonaut, 'lead') AS axonaut,
  coalesce(orders.orders, 0) AS orders,
  coalesce(orders.spend, 0)::DECIMAL(18,2) AS spend,
  coalesce(orders.spend_before, 0)::DECIMAL(18,2) AS spend_before,
  coalesce(orders.spend_180d, 0)::DECIMAL(18,2) AS spend_180d
FROM evenings
CROSS JOIN limits
LEFT JOIN recencies ON recencies.silent_days = evenings.silent_days
LEFT JOIN frequencies ON frequencies.occasions = evenings.occasions
LEFT JOIN groups ON groups.r_score = recencies.r_score AND groups.f_score = frequencies.f_score
LEFT JOIN marts.lifecycle_stages AS own
  ON own.snapshot_date = $snapshot_date AND own.customer_id = evenings.customer_id
LEFT JOIN features.member_orders AS orders
  ON orders.campaign_id = evenings.campaign_id AND orders.customer_id = evenings.customer_id
