/*
description: "Where every customer and every lead stands in the lifecycle: on the snapshot date, and 30 and 90 days before it under the same limits, so that a move is the customer's and not the limits'."
grain: [snapshot_date, customer_id]
owner: team:crm
columns:
  snapshot_date:     {type: DATE, meaning: The day whose end the row describes}
  customer_id:       {type: VARCHAR, meaning: "Customer of the shop, or who has registered there"}
  stage:             {type: VARCHAR, values: [lead, first-time, active, defecting, inactive], meaning: "lead: registered and no occasion; inactive, else defecting: silent for as long as the limit; else first-time with one occasion, active with more"}
  stage_30_days_ago: {type: VARCHAR, nullable: true, values: [lead, first-time, active, defecting, inactive], meaning: "Stage 30 days before, under the limits of the snapshot date; null for who was neither customer nor lead then"}
  stage_90_days_ago: {type: VARCHAR, nullable: true, values: [lead, first-time, active, defecting, inactive], meaning: "The same, 90 days before"}
  funnel_stage:      {type: VARCHAR, values: [lead, first purchase, second purchase, regular], meaning: "How far the customer has come, however long ago: no, one, two, or more occasions"}
  returned:          {type: BOOLEAN, meaning: "Active now after a last gap that had reached the defecting limit"}
  occasions:         {type: BIGINT, unit: occasions, min: 0, meaning: Days with an order that stands}
  recency_days:      {type: BIGINT, unit: days, nullable: true, min: 0, meaning: Days since the last occasion; null for a lead}
  last_gap_days:     {type: BIGINT, unit: days, nullable: true, min: 1, meaning: Days between the last two occasions; null before the second}
  registered_on:     {type: DATE, nullable: true, meaning: "Day of registration, from the customers' export; null if nobody knows"}
  defecting_days:    {type: BIGINT, unit: days, nullable: true, min: 1, meaning: "Days of silence from which on this customer is defecting; null for a lead"}
  defecting_rule:    {type: VARCHAR, nullable: true, values: [learnt, own gaps, stand-in, set], meaning: "Where that limit comes from. learnt, set: lifecycle_thresholds. Where no limit is reached there: own gaps = three times the customer's median gap, never under 14 days, with 6 occasions or more; else a stand-in. Null for a lead"}
  inactive_days:     {type: BIGINT, unit: days, nullable: true, min: 1, meaning: "Days of silence from which on this customer is inactive; null for a lead"}
  inactive_rule:     {type: VARCHAR, nullable: true, values: [learnt, own gaps, stand-in, set], meaning: "The same for it; own gaps = six times the median gap, never under 30 days. Null for a lead"}
tests:
  stage_follows_the_limits: |
    SELECT customer_id, stage, recency_days, defecting_days, inactive_days
    FROM marts.lifecycle_stages
    WHERE snapshot_date = $snapshot_date
      AND stage <> CASE
        WHEN recency_days IS NULL THEN 'lead'
        WHEN recency_days >= inactive_days THEN 'inactive'
        WHEN recency_days >= defecting_days THEN 'defecting'
        WHEN occasions = 1 THEN 'first-time'
        ELSE 'active'
      END
  every_customer_has_a_stage: |
    SELECT summary.customer_id
    FROM marts.customer_summary AS summary
    LEFT JOIN marts.lifecycle_stages AS stages
      ON stages.snapshot_date = $snapshot_date AND stages.customer_id = summary.customer_id
    WHERE summary.snapshot_date = $snapshot_date AND (stages.stage IS NULL OR stages.stage = 'lead')
  only_leads_have_not_bought: |
    SELECT stages.customer_id, stages.stage
    FROM marts.lifecycle_stages AS stages
    LEFT JOIN marts.customer_summary AS summary
      ON summary.snapshot_date = $snapshot_date AND summary.customer_id = stages.customer_id
    WHERE stages.snapshot_date = $snapshot_date AND stages.stage <> 'lead' AND summary.customer_id IS NULL
*/
WITH known AS (
  SELECT
    customer_id,
    occasion_on,
    sum(orders) > 0 AS stands,
    coalesce(sum(orders) FILTER (WHERE known_on <= $snapshot_date - 30), 0) > 0 AS stood_30,
    coalesce(sum(orders) FILTER (WHERE known_on <= $snapshot_date - 90), 0) > 0 AS stood_90
  FROM staging.occasions
  WHERE known_on <= $snapshot_date
  GROUP BY customer_id, occasion_on
),
sequenced AS (
  SELECT
    customer_id,
    occasion_on,
    stands,
    stood_30,
    stood_90,
    lag(occasion_on) OVER (PARTITION BY customer_id, stands ORDER BY occasion_on) AS previous_on,
    lead(occasion_on) OVER (PARTITION BY customer_id, stands ORDER BY occasion_on) AS next_on
  FROM known
),
histories AS (
  SELECT
    customer_id,
    max(date_diff('day', previous_on, occasion_on)) FILTER (WHERE stands AND next_on IS NULL) AS last_gap_days,
    count(*) FILTER (WHERE stood_30) AS occasions_30,
    max(occasion_on) FILTER (WHERE stood_30) AS last_on_30,
    count(*) FILTER (WHERE stood_90) AS occasions_90,
    max(occasion_on) FILTER (WHERE stood_90) AS last_on_90
  FROM sequenced
  GROUP BY customer_id
),
gaps AS (
  SELECT
    customer_id,
    date_diff('day', previous_on, occasion_on) AS days,
    row_number() OVER (PARTITION BY customer_id ORDER BY date_diff('day', previous_on, occasion_on), occasion_on) AS place,
    count(*) OVER (PARTITION BY customer_id) AS gaps
  FROM sequenced
  WHERE stands AND previous_on IS NOT NULL
),
rhythms AS (
  -- The median is the mean of the two in the middle, which are one for an odd number of gaps.
  SELECT
    customer_id,
    sum(days) FILTER (WHERE place = (gaps + 1) // 2) + sum(days) FILTER (WHERE place = (gaps + 2) // 2) AS twice_median_gap
  FROM gaps
  WHERE gaps >= 5
  GROUP BY customer_id
),
registrations AS (
  SELECT customer_id, registered_on
  FROM staging.customers
  WHERE registered_on <= $snapshot_date
),
today AS (
  SELECT customer_id, occasions, last_purchase_on
  FROM marts.customer_summary
  WHERE snapshot_date = $snapshot_date
),
contacts AS (
  SELECT
    coalesce(histories.customer_id, registrations.customer_id) AS customer_id,
    registrations.registered_on,
    coalesce(today.occasions, 0) AS occasions,
    today.last_purchase_on AS last_on,
    histories.last_gap_days,
    coalesce(histories.occasions_30, 0) AS occasions_30,
    histories.last_on_30,
    coalesce(histories.occasions_90, 0) AS occasions_90,
    histories.last_on_90,
    rhythms.twice_median_gap
  FROM histories
  FULL JOIN registrations ON registrations.customer_id = histories.customer_id
  LEFT JOIN rhythms ON rhythms.customer_id = histories.customer_id
  LEFT JOIN today ON today.customer_id = histories.customer_id
),
positions AS (
  SELECT customer_id, registered_on, 0 AS days_ago, occasions, last_on FROM contacts
  UNION ALL
  SELECT customer_id, registered_on, 30 AS days_ago, occasions_30 AS occasions, last_on_30 AS last_on FROM contacts
  UNION ALL
  SELECT customer_id, registered_on, 90 AS days_ago, occasions_90 AS occasions, last_on_90 AS last_on FROM contacts
),
limits AS (
  SELECT
    max(defecting_days) FILTER (WHERE customer_kind = 'one-time') AS one_time_defecting,
    max(inactive_days) FILTER (WHERE customer_kind = 'one-time') AS one_time_inactive,
    max(defecting_status) FILTER (WHERE customer_kind = 'one-time') AS one_time_defecting_status,
    max(inactive_status) FILTER (WHERE customer_kind = 'one-time') AS one_time_inactive_status,
    max(defecting_days) FILTER (WHERE customer_kind = 'repeat') AS repeat_defecting,
    max(inactive_days) FILTER (WHERE customer_kind = 'repeat') AS repeat_inactive,
    max(defecting_status) FILTER (WHERE customer_kind = 'repeat') AS repeat_defecting_status,
    max(inactive_status) FILTER (WHERE customer_kind = 'repeat') AS repeat_inactive_status
  FROM marts.lifecycle_thresholds
  WHERE snapshot_date = $snapshot_date
),
own_limits AS (
  -- Of who has bought six times, where a limit is not reached; null for all others.
  SELECT
    contacts.customer_id,
    CASE WHEN limits.repeat_defecting_status = 'not_reached'
      THEN greatest(14, (3 * contacts.twice_median_gap + 1) // 2)
    END AS defecting_days,
    CASE WHEN limits.repeat_inactive_status = 'not_reached'
      THEN greatest(30, 3 * contacts.twice_median_gap)
    END AS inactive_days
  FROM contacts
  CROSS JOIN limits
  WHERE contacts.twice_median_gap IS NOT NULL
),
repeat_limits AS (
  -- What is set stands, and nobody is inactive before defecting.
  SELECT
    contacts.customer_id,
    CASE
      WHEN limits.repeat_inactive_status = 'set'
        THEN least(coalesce(own_limits.defecting_days, limits.repeat_defecting), limits.repeat_inactive)
      ELSE coalesce(own_limits.defecting_days, limits.repeat_defecting)
    END AS defecting_days,
    CASE
      WHEN limits.repeat_inactive_status = 'set' THEN limits.repeat_inactive
      ELSE greatest(
        coalesce(own_limits.inactive_days, limits.repeat_inactive),
        coalesce(own_limits.defecting_days, limits.repeat_defecting)
      )
    END AS inactive_days,
    CASE WHEN own_limits.defecting_days IS NULL THEN limits.repeat_defecting_status ELSE 'own gaps' END AS defecting_status,
    CASE WHEN own_limits.inactive_days IS NULL THEN limits.repeat_inactive_status ELSE 'own gaps' END AS inactive_status
  FROM contacts
  CROSS JOIN limits
  LEFT JOIN own_limits ON own_limits.customer_id = contacts.customer_id
),
silent AS (
  SELECT
    positions.customer_id,
    positions.days_ago,
    positions.occasions,
    positions.registered_on <= $snapshot_date - positions.days_ago AS is_registered,
    date_diff('day', positions.last_on, $snapshot_date - positions.days_ago) AS silent_days,
    CASE WHEN positions.occasions = 1 THEN limits.one_time_defecting ELSE own.defecting_days END AS defecting_days,
    CASE WHEN positions.occasions = 1 THEN limits.one_time_inactive ELSE own.inactive_days END AS inactive_days,
    CASE WHEN positions.occasions = 1 THEN limits.one_time_defecting_status ELSE own.defecting_status END
      AS defecting_status,
    CASE WHEN positions.occasions = 1 THEN limits.one_time_inactive_status ELSE own.inactive_status END AS inactive_status
  FROM positions
  CROSS JOIN limits
  JOIN repeat_limits AS own ON own.customer_id = positions.customer_id
),
placed AS (
  SELECT
    customer_id,
    days_ago,
    CASE WHEN occasions > 0 THEN defecting_days END AS defecting_days,
    CASE WHEN occasions > 0 THEN inactive_days END AS inactive_days,
    CASE
      WHEN occasions = 0 THEN NULL
      WHEN defecting_status = 'not_reached' THEN 'stand-in'
      ELSE defecting_status
    END AS defecting_rule,
    CASE
      WHEN occasions = 0 THEN NULL
      WHEN inactive_status = 'not_reached' THEN 'stand-in'
      ELSE inactive_status
    END AS inactive_rule,
    CASE
      WHEN occasions = 0 AND is_registered THEN 'lead'
      WHEN occasions = 0 THEN NULL
      WHEN silent_days >= inactive_days THEN 'inactive'
      WHEN silent_days >= defecting_days THEN 'defecting'
      WHEN occasions = 1 THEN 'first-time'
      ELSE 'active'
    END AS stage
  FROM silent
),
stages AS (
  SELECT
    customer_id,
    max(stage) FILTER (WHERE days_ago = 0) AS stage,
    max(stage) FILTER (WHERE days_ago = 30) AS stage_30_days_ago,
    max(stage) FILTER (WHERE days_ago = 90) AS stage_90_days_ago,
    max(defecting_days) FILTER (WHERE days_ago = 0) AS defecting_days,
    max(defecting_rule) FILTER (WHERE days_ago = 0) AS defecting_rule,
    max(inactive_days) FILTER (WHERE days_ago = 0) AS inactive_days,
    max(inactive_rule) FILTER (WHERE days_ago = 0) AS inactive_rule
  FROM placed
  GROUP BY customer_id
)
SELECT
  $snapshot_date AS snapshot_date,
  stages.customer_id,
  stages.stage,
  stages.stage_30_days_ago,
  stages.stage_90_days_ago,
  CASE
    WHEN contacts.occasions = 0 THEN 'lead'
    WHEN contacts.occasions = 1 THEN 'first purchase'
    WHEN contacts.occasions = 2 THEN 'second purchase'
    ELSE 'regular'
  END AS funnel_stage,
  stages.stage = 'active' AND contacts.last_gap_days >= CASE
    WHEN contacts.occasions = 2 THEN limits.one_time_defecting
    ELSE stages.defecting_days
  END AS returned,
  contacts.occasions,
  date_diff('day', contacts.last_on, $snapshot_date) AS recency_days,
  contacts.last_gap_days,
  contacts.registered_on,
  stages.defecting_days,
  stages.defecting_rule,
  stages.inactive_days,
  stages.inactive_rule
FROM stages
JOIN contacts ON contacts.customer_id = stages.customer_id
CROSS JOIN limits
WHERE stages.stage IS NOT NULL
