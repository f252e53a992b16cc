/*
description: "How engaged each customer is: when they last opened or clicked a message themselves or came to the web shop, how often they do, and whether they may be written to. What machines opened or clicked does not count; purchases stand apart. Empty without the exports messages and consents."
grain: [snapshot_date, customer_id]
owner: team:crm
columns:
  snapshot_date:    {type: DATE, meaning: The day whose end the row describes}
  customer_id:      {type: VARCHAR, meaning: "Customer with an order that stands, a message, a visit or a consent"}
  level:
    type: VARCHAR
    values: [engaged, lapsing, dormant, never, too_new, unreachable]
    meaning: "engaged: the last action is at most 90 days ago. lapsing: at most 180. dormant: longer. never: no action though at least 3 messages were delivered. too_new: no action, fewer messages. unreachable: no consent to e-mail, SMS or push, whatever they did; only where consents are told of"
  last_action_on:   {type: DATE, nullable: true, meaning: "Last day on which the customer opened, clicked or visited; null if they never did"}
  recency_days:     {type: BIGINT, unit: days, nullable: true, min: 0, meaning: Days since then}
  actions_365d:     {type: BIGINT, unit: actions, min: 0, meaning: "Messages opened, messages clicked and visits of the last 365 days"}
  recency_score:    {type: INTEGER, nullable: true, min: 1, max: 5, meaning: "1 + floor(5 · w / n), w of the n customers with an action have a strictly longer recency; null without an action"}
  frequency_score:  {type: INTEGER, nullable: true, min: 1, max: 5, meaning: "The same by actions_365d"}
  delivered:        {type: BIGINT, unit: messages, min: 0, meaning: Messages delivered}
  opened:           {type: BIGINT, unit: messages, min: 0, meaning: "Of these, opened by the customer as far as is known, or clicked"}
  clicked:          {type: BIGINT, unit: messages, min: 0, meaning: "Of these, clicked by the customer"}
  click_rate:       {type: DOUBLE, unit: share, nullable: true, min: 0, max: 1, meaning: "Expected clicks per delivered message: the customer's own rate drawn towards the shop's, as far as customers differ; null where no message was delivered to anybody"}
  base_click_rate:  {type: DOUBLE, unit: share, nullable: true, min: 0, max: 1, meaning: "Clicks per delivered message of all customers"}
  prior_weight:     {type: DOUBLE, unit: messages, nullable: true, min: 0, meaning: "Messages at the shop's rate that are added to the customer's own; null where customers cannot be told apart, so that everybody has the shop's rate"}
  last_purchase_on: {type: DATE, nullable: true, meaning: Day of the last purchase that stands}
  email_consent:    {type: BOOLEAN, nullable: true, meaning: "Whether marketing by e-mail is consented to on the day; null: no consents are told of"}
  sms_consent:      {type: BOOLEAN, nullable: true, meaning: "The same by SMS"}
  push_consent:     {type: BOOLEAN, nullable: true, meaning: "The same by push"}
  best_contact_channel: {type: VARCHAR, nullable: true, values: [email, sms, push], meaning: "Of the channels with consent, the one with the highest expected clicks per message, drawn towards the channel's rate as click_rate is; of equal ones e-mail, push, SMS; null without consent"}
  best_click_rate:  {type: DOUBLE, unit: share, nullable: true, min: 0, max: 1, meaning: "These clicks per message; null where nobody got a message by the channel"}
  explore:          {type: BOOLEAN, meaning: "Whether the customer is one of the 1 in 16, drawn anew each day, for whom a lot decides on the channel: else the choice would confirm itself"}
  explore_channel:  {type: VARCHAR, nullable: true, values: [email, sms, push], meaning: "Of these customers: the channel drawn from those with consent; null without any, and for the others"}
tests:
  nobody_clicks_what_was_not_delivered: |
    SELECT delivered, opened, clicked
    FROM marts.engagement
    WHERE snapshot_date = $snapshot_date AND (clicked > opened OR opened > delivered)
  levels_follow_the_last_action: |
    SELECT level, recency_days, delivered
    FROM marts.engagement
    WHERE snapshot_date = $snapshot_date
      AND level <> 'unreachable'
      AND level <> CASE
        WHEN recency_days <= 90 THEN 'engaged'
        WHEN recency_days <= 180 THEN 'lapsing'
        WHEN recency_days IS NOT NULL THEN 'dormant'
        WHEN delivered >= 3 THEN 'never'
        ELSE 'too_new'
      END
*/
WITH acted_on_messages AS (
  SELECT customer_id, campaign_id, message_id, event, max(happened_on) AS acted_on
  FROM features.message_actions
  WHERE actor = 'person'
  GROUP BY customer_id, campaign_id, message_id, event
),
acted AS (
  SELECT customer_id, acted_on
  FROM acted_on_messages
  UNION ALL
  SELECT customer_id, began_on AS acted_on
  FROM features.visits
),
actions AS (
  SELECT
    customer_id,
    max(acted_on) AS last_action_on,
    count(*) FILTER (WHERE date_diff('day', acted_on, $snapshot_date) < 365) AS actions_365d
  FROM acted
  GROUP BY customer_id
),
reached AS (
  SELECT customer_id, sum(delivered) AS delivered, sum(opened) AS opened, sum(clicked) AS clicked
  FROM features.campaign_recipients
  GROUP BY customer_id
),
purchases AS (
  SELECT customer_id, max(occasion_on) AS last_purchase_on
  FROM features.standing_occasions
  GROUP BY customer_id
),
consents AS (
  SELECT
    customer_id,
    max(CASE WHEN channel = 'email' THEN is_granted ELSE 0 END) AS email,
    max(CASE WHEN channel = 'sms' THEN is_granted ELSE 0 END) AS sms,
    max(CASE WHEN channel = 'push' THEN is_granted ELSE 0 END) AS push
  FROM features.contact_consents
  GROUP BY customer_id
),
told AS (
  SELECT
    (SELECT count(*) FROM consents) AS consents,
    (SELECT count(*) FROM reached) AS members
),
known AS (
  SELECT customer_id FROM reached
  UNION ALL
  SELECT customer_id FROM actions
  UNION ALL
  SELECT customer_id FROM purchases
  UNION ALL
  SELECT customer_id FROM consents
),
people AS (
  SELECT DISTINCT known.customer_id
  FROM known
  JOIN told ON told.members + told.consents > 0
),
-- What one message leads to, by channel and of all: the rate of everybody, and how far a customer's own counts.
messages AS (
  SELECT 'click' AS preference, delivered, clicked FROM features.contact_clicks
  UNION ALL
  SELECT channel || '_click' AS preference, delivered, clicked FROM features.contact_clicks
),
bases AS (
  SELECT preference, sum(clicked)::DOUBLE / nullif(sum(delivered), 0) AS base
  FROM messages
  GROUP BY preference
),
fits AS (
  SELECT bases.preference, bases.base, fit.prior_weight
  FROM bases
  JOIN marts.preference_fit AS fit
    ON fit.preference = bases.preference AND fit.level = 'customer' AND fit.snapshot_date = $snapshot_date
),
fit AS (
  SELECT max(base) AS base, max(prior_weight) AS prior_weight
  FROM fits
  WHERE preference = 'click'
),
-- By the channels that a customer may be written by: how likely a click is, and the order of a lot.
contacts AS (
  SELECT
    consents.customer_id,
    consents.channel,
    CASE
      WHEN fits.prior_weight IS NULL OR clicks.delivered IS NULL THEN fits.base
      ELSE (clicks.clicked + fits.prior_weight * fits.base) / nullif(clicks.delivered + fits.prior_weight, 0)
    END AS click_rate,
    md5(consents.customer_id || CAST($snapshot_date AS VARCHAR) || consents.channel) AS lot
  FROM features.contact_consents AS consents
  LEFT JOIN fits ON fits.preference = consents.channel || '_click'
  LEFT JOIN features.contact_clicks AS clicks
    ON clicks.customer_id = consents.customer_id AND clicks.channel = consents.channel
  WHERE consents.is_granted = 1
),
contacts_in_order AS (
  SELECT
    customer_id,
    channel,
    click_rate,
    row_number() OVER (PARTITION BY customer_id ORDER BY coalesce(click_rate, -1) DESC, channel) AS by_rate,
    row_number() OVER (PARTITION BY customer_id ORDER BY lot, channel) AS by_lot
  FROM contacts
),
chosen AS (
  SELECT
    customer_id,
    max(CASE WHEN by_rate = 1 THEN channel END) AS best_contact_channel,
    max(CASE WHEN by_rate = 1 THEN click_rate END) AS best_click_rate,
    max(CASE WHEN by_lot = 1 THEN channel END) AS lot_channel
  FROM contacts_in_order
  GROUP BY customer_id
),
placed AS (
  SELECT
    people.customer_id,
    actions.last_action_on,
    date_diff('day', actions.last_action_on, $snapshot_date) AS recency_days,
    coalesce(actions.actions_365d, 0) AS actions_365d,
    coalesce(reached.delivered, 0) AS delivered,
    coalesce(reached.opened, 0) AS opened,
    coalesce(reached.clicked, 0) AS clicked,
    purchases.last_purchase_on,
    CASE WHEN told.consents > 0 THEN coalesce(consents.email, 0) END AS email,
    CASE WHEN told.consents > 0 THEN coalesce(consents.sms, 0) END AS sms,
    CASE WHEN told.consents > 0 THEN coalesce(consents.push, 0) END AS push
  FROM people
  CROSS JOIN told
  LEFT JOIN actions ON actions.customer_id = people.customer_id
  LEFT JOIN reached ON reached.customer_id = people.customer_id
  LEFT JOIN purchases ON purchases.customer_id = people.customer_id
  LEFT JOIN consents ON consents.customer_id = people.customer_id
),
active AS (
  SELECT
    customer_id,
    count(*) OVER () AS customers,
    rank() OVER (ORDER BY recency_days DESC) - 1 AS longer_ago,
    rank() OVER (ORDER BY actions_365d) - 1 AS less_often
  FROM placed
  WHERE recency_days IS NOT NULL
)
SELECT
  $snapshot_date AS snapshot_date,
  placed.customer_id,
  CASE
    WHEN placed.email + placed.sms + placed.push = 0 THEN 'unreachable'
    WHEN placed.recency_days <= 90 THEN 'engaged'
    WHEN placed.recency_days <= 180 THEN 'lapsing'
    WHEN placed.recency_days IS NOT NULL THEN 'dormant'
    WHEN placed.delivered >= 3 THEN 'never'
    ELSE 'too_new'
  END AS level,
  placed.last_action_on,
  placed.recency_days,
  placed.actions_365d,
  1 + 5 * active.longer_ago // nullif(active.customers, 0) AS recency_score,
  1 + 5 * active.less_often // nullif(active.customers, 0) AS frequency_score,
  placed.delivered,
  placed.opened,
  placed.clicked,
  CASE
    WHEN fit.prior_weight IS NULL OR placed.delivered = 0 THEN fit.base
    ELSE (placed.clicked + fit.prior_weight * fit.base) / nullif(placed.delivered + fit.prior_weight, 0)
  END AS click_rate,
  fit.base AS base_click_rate,
  fit.prior_weight,
  placed.last_purchase_on,
  placed.email = 1 AS email_consent,
  placed.sms = 1 AS sms_consent,
  placed.push = 1 AS push_consent,
  chosen.best_contact_channel,
  chosen.best_click_rate,
  substring(md5(placed.customer_id || CAST($snapshot_date AS VARCHAR)), 1, 1) = '0' AS explore,
  CASE
    WHEN substring(md5(placed.customer_id || CAST($snapshot_date AS VARCHAR)), 1, 1) = '0' THEN chosen.lot_channel
  END AS explore_channel
FROM placed
CROSS JOIN fit
LEFT JOIN chosen ON chosen.customer_id = placed.customer_id
LEFT JOIN active ON active.customer_id = placed.customer_id
