/*
description: "How far the messages of each campaign came, in people: of those a message was sent to, how many it reached, who opened, clicked, came to the shop and bought. Each stage is part of the one before. What machines did stands apart. Beside it, who of the treated and of the control members bought at all: that most of those would have bought anyway is what the stages cannot tell. Empty without the export messages."
grain: [snapshot_date, campaign_id, stage]
owner: team:crm
columns:
  snapshot_date:          {type: DATE, meaning: The day whose end the row describes}
  campaign_id:            {type: VARCHAR, meaning: Campaign}
  stage:
    type: VARCHAR
    values: [sent, delivered, opened, clicked, visited, bought, bought_any, bought_control]
    meaning: "sent: a message, whatever became of it. delivered: not bounced. opened: by a person, or clicked. clicked: by a person. visited: clicked, and a visit that began in the 30 minutes after a click or names the campaign. bought: visited, and an order that stands in the window of the campaign. bought_any, bought_control: treated and control members with such an order, whatever else they did"
  place:                  {type: INTEGER, min: 1, max: 8, meaning: Order of the stages}
  contacts:               {type: BIGINT, unit: customers, nullable: true, min: 0, meaning: "Customers who came so far. null: not known, of opened where nobody knows which opens are machines', of visited and bought where there are no events of the web shop"}
  base:                   {type: BIGINT, unit: customers, min: 0, meaning: "Customers that share_of_sent is of: those a message was sent to; of bought_any all treated members, of bought_control all control members"}
  share_of_sent:          {type: DOUBLE, unit: share, nullable: true, min: 0, max: 1, meaning: "contacts as a share of base"}
  share_of_sent_low:      {type: DOUBLE, unit: share, nullable: true, min: 0, max: 1, meaning: Lower end of its 95 % interval (Wilson)}
  share_of_sent_high:     {type: DOUBLE, unit: share, nullable: true, min: 0, max: 1, meaning: Upper end of it}
  share_of_previous:      {type: DOUBLE, unit: share, nullable: true, min: 0, max: 1, meaning: "contacts as a share of those of the stage before; null for sent and for what stands beside, and where either is not known"}
  share_of_previous_low:  {type: DOUBLE, unit: share, nullable: true, min: 0, max: 1, meaning: Lower end of its 95 % interval (Wilson)}
  share_of_previous_high: {type: DOUBLE, unit: share, nullable: true, min: 0, max: 1, meaning: Upper end of it}
  machine_contacts:       {type: BIGINT, unit: customers, nullable: true, min: 0, meaning: "Customers for whom a machine opened or clicked a message, whether they did or not; null for the other stages"}
  unmarked_contacts:      {type: BIGINT, unit: customers, nullable: true, min: 0, meaning: "Customers with an open of which nobody knows whether a person or a machine did it; null for the other stages"}
  is_inferred:            {type: BOOLEAN, meaning: "Of delivered: the service tells of no delivery of the campaign, so all that did not bounce are taken for delivered"}
tests:
  stages_lie_inside_each_other: |
    SELECT later.campaign_id, later.stage, earlier.contacts AS before, later.contacts
    FROM marts.campaign_funnel AS later
    JOIN marts.campaign_funnel AS earlier
      ON earlier.snapshot_date = later.snapshot_date
      AND earlier.campaign_id = later.campaign_id
      AND earlier.place < later.place
    WHERE later.snapshot_date = $snapshot_date AND later.place <= 6 AND later.contacts > earlier.contacts
  every_campaign_has_all_stages: |
    SELECT campaign_id, count(*) AS stages
    FROM marts.campaign_funnel
    WHERE snapshot_date = $snapshot_date
    GROUP BY campaign_id
    HAVING count(*) <> 8
*/
WITH stages AS (
  SELECT stage, place
  FROM (
    VALUES
      ('sent', 1), ('delivered', 2), ('opened', 3), ('clicked', 4), ('visited', 5), ('bought', 6), ('bought_any', 7),
      ('bought_control', 8)
  ) AS listed (stage, place)
),
clicks AS (
  SELECT campaign_id, customer_id, happened_at, happened_on
  FROM features.message_actions
  WHERE event = 'clicked' AND actor = 'person' AND group_name = 'treated'
),
clickers AS (
  SELECT customer_id
  FROM clicks
  GROUP BY customer_id
),
-- The half hour after a click may end on the next day.
click_days AS (
  SELECT campaign_id, customer_id, happened_at, happened_on AS visited_on
  FROM clicks
  UNION ALL
  SELECT campaign_id, customer_id, happened_at, happened_on + 1 AS visited_on
  FROM clicks
),
visits AS (
  SELECT visits.customer_id, visits.began_at, visits.began_on, visits.campaign_id
  FROM features.visits AS visits
  JOIN clickers ON clickers.customer_id = visits.customer_id
),
visitors AS (
  SELECT click_days.campaign_id, click_days.customer_id
  FROM click_days
  JOIN visits ON visits.customer_id = click_days.customer_id AND visits.began_on = click_days.visited_on
  WHERE visits.began_at >= click_days.happened_at AND visits.began_at <= click_days.happened_at + INTERVAL 30 MINUTE
  UNION ALL
  SELECT campaign_id, customer_id
  FROM visits
  WHERE campaign_id IS NOT NULL
),
visited AS (
  SELECT DISTINCT campaign_id, customer_id
  FROM visitors
),
web AS (
  SELECT count(*) AS events
  FROM features.customer_events
  WHERE happened_on <= $snapshot_date
),
marked AS (
  SELECT
    members.campaign_id,
    CASE WHEN members.group_name = 'treated' THEN 1 ELSE 0 END AS treated,
    CASE WHEN members.messages > 0 THEN 1 ELSE 0 END AS sent,
    CASE WHEN members.delivered > 0 THEN 1 ELSE 0 END AS delivered,
    CASE WHEN members.opened > 0 THEN 1 ELSE 0 END AS opened,
    CASE WHEN members.clicked > 0 THEN 1 ELSE 0 END AS clicked,
    CASE WHEN members.clicked > 0 AND visited.customer_id IS NOT NULL THEN 1 ELSE 0 END AS visited,
    CASE WHEN members.orders > 0 THEN 1 ELSE 0 END AS bought,
    CASE WHEN members.machine_opened > 0 THEN 1 ELSE 0 END AS machine_opened,
    CASE WHEN members.machine_clicked > 0 THEN 1 ELSE 0 END AS machine_clicked,
    CASE WHEN members.unmarked_opened > 0 THEN 1 ELSE 0 END AS unmarked_opened,
    members.tells_of_delivery,
    members.open_is_known
  FROM features.member_outcomes AS members
  LEFT JOIN visited ON visited.campaign_id = members.campaign_id AND visited.customer_id = members.customer_id
),
counted AS (
  SELECT
    campaign_id,
    sum(treated) AS treated,
    sum(1 - treated) AS controls,
    sum(treated * sent) AS sent,
    sum(treated * delivered) AS delivered,
    sum(treated * opened) AS opened,
    sum(treated * clicked) AS clicked,
    sum(treated * visited) AS visited,
    sum(treated * visited * bought) AS bought,
    sum(treated * bought) AS bought_any,
    sum((1 - treated) * bought) AS bought_control,
    sum(treated * machine_opened) AS machine_opened,
    sum(treated * machine_clicked) AS machine_clicked,
    sum(treated * unmarked_opened) AS unmarked_opened,
    max(tells_of_delivery) AS tells_of_delivery,
    max(open_is_known) AS open_is_known
  FROM marked
  GROUP BY campaign_id
),
placed AS (
  SELECT
    counted.campaign_id,
    stages.stage,
    stages.place,
    CASE
      WHEN stages.stage = 'sent' THEN counted.sent
      WHEN stages.stage = 'delivered' THEN counted.delivered
      WHEN stages.stage = 'opened' AND counted.open_is_known = 1 THEN counted.opened
      WHEN stages.stage = 'clicked' THEN counted.clicked
      WHEN stages.stage = 'visited' AND web.events > 0 THEN counted.visited
      WHEN stages.stage = 'bought' AND web.events > 0 THEN counted.bought
      WHEN stages.stage = 'bought_any' THEN counted.bought_any
      WHEN stages.stage = 'bought_control' THEN counted.bought_control
    END AS contacts,
    CASE
      WHEN stages.stage = 'bought_any' THEN counted.treated
      WHEN stages.stage = 'bought_control' THEN counted.controls
      ELSE counted.sent
    END AS base,
    CASE
      WHEN stages.stage = 'opened' THEN counted.machine_opened
      WHEN stages.stage = 'clicked' THEN counted.machine_clicked
    END AS machine_contacts,
    CASE WHEN stages.stage = 'opened' THEN counted.unmarked_opened END AS unmarked_contacts,
    stages.stage = 'delivered' AND counted.tells_of_delivery = 0 AS is_inferred
  FROM counted
  CROSS JOIN stages
  CROSS JOIN web
),
sequenced AS (
  SELECT
    campaign_id,
    stage,
    place,
    contacts,
    base,
    CASE
      WHEN place <= 6 THEN lag(contacts) OVER (PARTITION BY campaign_id ORDER BY place)
    END AS previous,
    machine_contacts,
    unmarked_contacts,
    is_inferred
  FROM placed
),
shares AS (
  SELECT
    campaign_id,
    stage,
    place,
    contacts,
    base,
    nullif(base, 0)::DOUBLE AS n,
    nullif(previous, 0)::DOUBLE AS m,
    contacts::DOUBLE / nullif(base, 0) AS share,
    contacts::DOUBLE / nullif(previous, 0) AS step,
    1.959963984540054::DOUBLE * 1.959963984540054::DOUBLE AS z2,
    machine_contacts,
    unmarked_contacts,
    is_inferred
  FROM sequenced
),
wilson AS (
  SELECT
    campaign_id,
    stage,
    place,
    contacts,
    base,
    share,
    (share + z2 / nullif(2 * n, 0)) / nullif(1 + z2 / nullif(n, 0), 0) AS middle,
    sqrt(z2 * (share * (1 - share) / nullif(n, 0) + z2 / nullif(4 * n * n, 0))) / nullif(1 + z2 / nullif(n, 0), 0) AS half,
    step,
    (step + z2 / nullif(2 * m, 0)) / nullif(1 + z2 / nullif(m, 0), 0) AS step_middle,
    sqrt(z2 * (step * (1 - step) / nullif(m, 0) + z2 / nullif(4 * m * m, 0))) / nullif(1 + z2 / nullif(m, 0), 0) AS step_half,
    machine_contacts,
    unmarked_contacts,
    is_inferred
  FROM shares
)
SELECT
  $snapshot_date AS snapshot_date,
  campaign_id,
  stage,
  place,
  contacts,
  base,
  share AS share_of_sent,
  CASE WHEN share IS NOT NULL THEN greatest(0.0, middle - half) END AS share_of_sent_low,
  CASE WHEN share IS NOT NULL THEN least(1.0, middle + half) END AS share_of_sent_high,
  step AS share_of_previous,
  CASE WHEN step IS NOT NULL THEN greatest(0.0, step_middle - step_half) END AS share_of_previous_low,
  CASE WHEN step IS NOT NULL THEN least(1.0, step_middle + step_half) END AS share_of_previous_high,
  machine_contacts,
  unmarked_contacts,
  is_inferred
FROM wilson
