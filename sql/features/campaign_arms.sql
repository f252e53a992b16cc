/*
description: "Treated and control members of each campaign as sums, which is all that a comparison of the two needs: how many there are, who of them visited and who ordered in the window, what they spent in it and in the 180 days before, with squares and products; all of them, and by where they stood before. Members stay where they were assigned, whatever became of their messages. A query for any day, not a table."
grain: [campaign_id, dimension, segment, group_name]
owner: team:data
columns:
  campaign_id:    {type: VARCHAR, meaning: Campaign}
  dimension:      {type: VARCHAR, values: [all, lifecycle, grid, axonaut], meaning: "By what members are told apart, as in features.member_outcomes; all: by nothing"}
  segment:        {type: VARCHAR, meaning: "Group of it on the evening before; all"}
  group_name:     {type: VARCHAR, values: [treated, control], meaning: Group the members were assigned to}
  programme:      {type: VARCHAR, meaning: "What the campaign is one of; itself where nobody tells"}
  control_share:  {type: DOUBLE, nullable: true, min: 0, max: 1, meaning: "Part of the members that was to be control: where the lot of its audience made the group, that of the lot, else as the campaign tells it"}
  window_days:    {type: INTEGER, unit: days, min: 1, meaning: Days in which orders are looked at}
  last_on:        {type: DATE, meaning: Day on which the campaign began for the last of the members}
  members:        {type: BIGINT, unit: customers, min: 1, meaning: Members}
  with_message:   {type: BIGINT, unit: customers, min: 0, meaning: "Members to whom a message was sent: of control members, by mistake"}
  visitors:       {type: BIGINT, unit: customers, min: 0, meaning: "Members with a visit to the web shop in the window; 0 where no visits are told of"}
  buyers:         {type: BIGINT, unit: customers, min: 0, meaning: Members with an order in the window}
  orders:         {type: BIGINT, unit: orders, min: 0, meaning: Their orders in the window}
  spend:          {type: DOUBLE, unit: currency, meaning: "Sum of y, what a member spent in the window less what was paid back"}
  spend_squared:  {type: DOUBLE, meaning: Sum of y squared}
  before:         {type: DOUBLE, unit: currency, meaning: "Sum of x, what a member spent in the 180 days before"}
  before_squared: {type: DOUBLE, meaning: Sum of x squared}
  products:       {type: DOUBLE, meaning: Sum of x times y}
  equally_before: {type: DOUBLE, unit: currency, meaning: "Sum of what members spent in as many days before as the window has"}
*/
WITH outcomes AS (
  SELECT
    members.campaign_id,
    members.group_name,
    members.drawn_share,
    members.window_days,
    members.started_at::DATE AS started_on,
    members.lifecycle,
    members.grid,
    members.axonaut,
    CASE WHEN members.messages > 0 THEN 1 ELSE 0 END AS with_message,
    CASE WHEN visits.visits > 0 THEN 1 ELSE 0 END AS visited,
    CASE WHEN members.orders > 0 THEN 1 ELSE 0 END AS bought,
    members.orders,
    members.spend::DOUBLE AS y,
    members.spend_180d::DOUBLE AS x,
    members.spend_before::DOUBLE AS equally_before
  FROM features.member_outcomes AS members
  LEFT JOIN features.member_visits AS visits
    ON visits.campaign_id = members.campaign_id AND visits.customer_id = members.customer_id
),
cells AS (
  SELECT
    campaign_id,
    group_name,
    lifecycle,
    grid,
    axonaut,
    max(drawn_share) AS drawn_share,
    max(window_days) AS window_days,
    max(started_on) AS last_on,
    count(*) AS members,
    sum(with_message) AS with_message,
    sum(visited) AS visitors,
    sum(bought) AS buyers,
    sum(orders) AS orders,
    sum(y) AS spend,
    sum(y * y) AS spend_squared,
    sum(x) AS before,
    sum(x * x) AS before_squared,
    sum(x * y) AS products,
    sum(equally_before) AS equally_before
  FROM outcomes
  GROUP BY campaign_id, group_name, lifecycle, grid, axonaut
),
placed AS (
  SELECT
    cells.campaign_id,
    dimensions.dimension,
    CASE dimensions.dimension
      WHEN 'lifecycle' THEN cells.lifecycle
      WHEN 'grid' THEN cells.grid
      WHEN 'axonaut' THEN cells.axonaut
      ELSE 'all'
    END AS segment,
    cells.group_name,
    cells.drawn_share,
    cells.window_days,
    cells.last_on,
    cells.members,
    cells.with_message,
    cells.visitors,
    cells.buyers,
    cells.orders,
    cells.spend,
    cells.spend_squared,
    cells.before,
    cells.before_squared,
    cells.products,
    cells.equally_before
  FROM cells
  CROSS JOIN (VALUES ('all'), ('lifecycle'), ('grid'), ('axonaut')) AS dimensions (dimension)
),
summed AS (
  SELECT
    campaign_id,
    dimension,
    segment,
    group_name,
    max(drawn_share) AS drawn_share,
    max(window_days) AS window_days,
    max(last_on) AS last_on,
    sum(members) AS members,
    sum(with_message) AS with_message,
    sum(visitors) AS visitors,
    sum(buyers) AS buyers,
    sum(orders) AS orders,
    sum(spend) AS spend,
    sum(spend_squared) AS spend_squared,
    sum(before) AS before,
    sum(before_squared) AS before_squared,
    sum(products) AS products,
    sum(equally_before) AS equally_before
  FROM placed
  GROUP BY campaign_id, dimension, segment, group_name
)
SELECT
  summed.campaign_id,
  summed.dimension,
  summed.segment,
  summed.group_name,
  coalesce(campaigns.programme, summed.campaign_id) AS programme,
  coalesce(summed.drawn_share, campaigns.control_share) AS control_share,
  summed.window_days,
  summed.last_on,
  summed.members,
  summed.with_message,
  summed.visitors,
  summed.buyers,
  summed.orders,
  summed.spend,
  summed.spend_squared,
  summed.before,
  summed.before_squared,
  summed.products,
  summed.equally_before
FROM summed
LEFT JOIN staging.campaigns AS campaigns ON campaigns.campaign_id = summed.campaign_id
