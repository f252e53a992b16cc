/*
description: "When customers come by themselves: by daypart and by weekday, of all, of each segment and of each customer, in the last 730 days. Visits to the web shop in the 24 hours after a message tell when messages are sent and do not count, opens only of customers who got messages at three or more different hours of the day. Shares of a segment are drawn towards those of all, shares of a customer towards those of the segment, as far as they differ by no more than chance."
grain: [snapshot_date, scope, id, dimension, part]
owner: team:crm
columns:
  snapshot_date: {type: DATE, meaning: The day whose end the row describes}
  scope:         {type: VARCHAR, values: [base, segment, contact], meaning: "Whose times: of all customers, of a segment of at least 10 who acted, of one customer"}
  id:            {type: VARCHAR, meaning: "(all); the segment (grid), (none) for who has not bought yet; the customer"}
  dimension:     {type: VARCHAR, values: [daypart, weekday], meaning: "Three hours of the day, in the shop's time zone, or a day of the week"}
  part:          {type: INTEGER, min: 0, max: 7, meaning: "Daypart: 0 from midnight to 3 o'clock, … 7 from 21 o'clock on. Weekday: 0 Monday … 6 Sunday. Of a customer, the parts they acted in and the likeliest; the others follow from the segment"}
  n:             {type: BIGINT, unit: actions, min: 1, meaning: Actions of whom the row describes}
  actions:       {type: BIGINT, unit: actions, min: 0, meaning: "Of these, in this part"}
  share:         {type: DOUBLE, unit: share, min: 0, max: 1, meaning: "(actions + prior_weight · share of the segment, of a segment that of all) / (n + prior_weight); that share itself where prior_weight is null"}
  base_share:    {type: DOUBLE, unit: share, min: 0, max: 1, meaning: The part's share of the actions of all customers}
  rank:          {type: INTEGER, min: 1, max: 8, meaning: "Place of the part by share; of equal ones, by base_share, then the earlier"}
  prior_weight:  {type: DOUBLE, unit: actions, nullable: true, min: 0, meaning: "Actions at the share of the segment (of all) that are added to one's own; null where customers (segments) do not differ, and for (all)"}
  chi2:          {type: DOUBLE, nullable: true, min: 0, meaning: "How far one's own actions are from what the shares of all expect: sum of (actions - expected)² / expected; null but for customers"}
  differs:       {type: BOOLEAN, nullable: true, meaning: "Whether that is more than 5 % of those have who are as all; null below 20 actions, and but for customers: whether segments differ stands in marts.preference_fit"}
tests:
  the_base_adds_up: |
    SELECT dimension, sum(share) AS share
    FROM marts.send_times
    WHERE snapshot_date = $snapshot_date AND scope = 'base'
    GROUP BY dimension
    HAVING abs(sum(share) - 1) > 0.000001 OR max(n) <> sum(actions)
  everybody_has_a_likeliest_part_and_all_actions: |
    SELECT scope, id, dimension
    FROM marts.send_times
    WHERE snapshot_date = $snapshot_date
    GROUP BY scope, id, dimension
    HAVING min(rank) <> 1 OR sum(actions) <> max(n) OR sum(share) > 1.000001
*/
WITH parts AS (
  SELECT part FROM (VALUES (0), (1), (2), (3), (4), (5), (6), (7)) AS listed (part)
),
segments AS (
  SELECT
    dimension,
    segment,
    sum(n) AS n,
    count(*) AS customers,
    sum(part_0) AS part_0,
    sum(part_1) AS part_1,
    sum(part_2) AS part_2,
    sum(part_3) AS part_3,
    sum(part_4) AS part_4,
    sum(part_5) AS part_5,
    sum(part_6) AS part_6,
    sum(part_7) AS part_7
  FROM features.action_times
  GROUP BY dimension, segment
),
of_segments AS (
  SELECT
    segments.dimension,
    segments.segment,
    segments.n,
    segments.customers,
    parts.part,
    CASE parts.part
      WHEN 0 THEN segments.part_0
      WHEN 1 THEN segments.part_1
      WHEN 2 THEN segments.part_2
      WHEN 3 THEN segments.part_3
      WHEN 4 THEN segments.part_4
      WHEN 5 THEN segments.part_5
      WHEN 6 THEN segments.part_6
      ELSE segments.part_7
    END AS times
  FROM segments
  CROSS JOIN parts
),
of_all AS (
  SELECT dimension, part, sum(times) AS times
  FROM of_segments
  GROUP BY dimension, part
  HAVING sum(times) > 0
),
base AS (
  SELECT
    dimension,
    part,
    times,
    sum(times) OVER (PARTITION BY dimension) AS n,
    times::DOUBLE / nullif(sum(times) OVER (PARTITION BY dimension), 0) AS share,
    count(*) OVER (PARTITION BY dimension) - 1 AS degrees
  FROM of_all
),
fits AS (
  SELECT preference AS dimension, level, prior_weight
  FROM marts.preference_fit
  WHERE snapshot_date = $snapshot_date
),
segment_shares AS (
  SELECT
    of_segments.dimension,
    of_segments.segment,
    of_segments.part,
    of_segments.n,
    of_segments.customers,
    of_segments.times,
    base.share AS base_share,
    fits.prior_weight,
    CASE
      WHEN fits.prior_weight IS NULL THEN base.share
      ELSE (of_segments.times + fits.prior_weight * base.share) / nullif(of_segments.n + fits.prior_weight, 0)
    END AS share
  FROM of_segments
  JOIN base ON base.dimension = of_segments.dimension AND base.part = of_segments.part
  JOIN fits ON fits.dimension = of_segments.dimension AND fits.level = 'segment'
),
-- Of all and of segments: every part.
of_groups AS (
  SELECT
    'base' AS scope, '(all)' AS id, dimension, part, n, times, share, share AS base_share, CAST(NULL AS DOUBLE) AS prior_weight
  FROM base
  UNION ALL
  SELECT 'segment' AS scope, segment AS id, dimension, part, n, times, share, base_share, prior_weight
  FROM segment_shares
  WHERE customers >= 10
),
groups_in_order AS (
  SELECT
    scope,
    id,
    dimension,
    part,
    n,
    times,
    share,
    base_share,
    row_number() OVER (PARTITION BY scope, id, dimension ORDER BY share DESC, base_share DESC, part) AS rank,
    prior_weight
  FROM of_groups
),
segments_in_order AS (
  SELECT
    segment_shares.dimension,
    segment_shares.segment,
    segment_shares.part,
    segment_shares.share,
    segment_shares.base_share,
    row_number() OVER (
      PARTITION BY segment_shares.dimension, segment_shares.segment
      ORDER BY segment_shares.share DESC, segment_shares.base_share DESC, segment_shares.part
    ) AS rank,
    fits.prior_weight
  FROM segment_shares
  JOIN fits ON fits.dimension = segment_shares.dimension AND fits.level = 'customer'
),
expected AS (
  SELECT
    dimension,
    max(share) FILTER (WHERE part = 0) AS share_0,
    max(share) FILTER (WHERE part = 1) AS share_1,
    max(share) FILTER (WHERE part = 2) AS share_2,
    max(share) FILTER (WHERE part = 3) AS share_3,
    max(share) FILTER (WHERE part = 4) AS share_4,
    max(share) FILTER (WHERE part = 5) AS share_5,
    max(share) FILTER (WHERE part = 6) AS share_6,
    max(share) FILTER (WHERE part = 7) AS share_7
  FROM base
  GROUP BY dimension
),
-- The sum of (actions - expected)² / expected is that of actions² / expected, less all actions.
contacts AS (
  SELECT
    times.dimension,
    times.segment,
    times.customer_id,
    times.n,
    times.part_0,
    times.part_1,
    times.part_2,
    times.part_3,
    times.part_4,
    times.part_5,
    times.part_6,
    times.part_7,
    greatest(
      0.0,
      (
        coalesce(pow(times.part_0, 2) / nullif(expected.share_0, 0), 0)
        + coalesce(pow(times.part_1, 2) / nullif(expected.share_1, 0), 0)
        + coalesce(pow(times.part_2, 2) / nullif(expected.share_2, 0), 0)
        + coalesce(pow(times.part_3, 2) / nullif(expected.share_3, 0), 0)
        + coalesce(pow(times.part_4, 2) / nullif(expected.share_4, 0), 0)
        + coalesce(pow(times.part_5, 2) / nullif(expected.share_5, 0), 0)
        + coalesce(pow(times.part_6, 2) / nullif(expected.share_6, 0), 0)
        + coalesce(pow(times.part_7, 2) / nullif(expected.share_7, 0), 0)
      ) / nullif(times.n, 0) - times.n
    ) AS chi2
  FROM features.action_times AS times
  JOIN expected ON expected.dimension = times.dimension
),
in_parts AS (
  SELECT
    contacts.dimension,
    contacts.segment,
    contacts.customer_id,
    contacts.n,
    contacts.chi2,
    parts.part,
    CASE parts.part
      WHEN 0 THEN contacts.part_0
      WHEN 1 THEN contacts.part_1
      WHEN 2 THEN contacts.part_2
      WHEN 3 THEN contacts.part_3
      WHEN 4 THEN contacts.part_4
      WHEN 5 THEN contacts.part_5
      WHEN 6 THEN contacts.part_6
      ELSE contacts.part_7
    END AS times
  FROM contacts
  CROSS JOIN parts
),
-- Where customers do not differ, each has the shares of their segment, in its order: what they did and the likeliest.
alike AS (
  SELECT
    in_parts.customer_id,
    in_parts.dimension,
    in_parts.part,
    in_parts.n,
    in_parts.times,
    segments_in_order.share,
    segments_in_order.base_share,
    segments_in_order.rank,
    segments_in_order.prior_weight,
    in_parts.chi2
  FROM in_parts
  JOIN segments_in_order
    ON segments_in_order.dimension = in_parts.dimension
    AND segments_in_order.segment = in_parts.segment
    AND segments_in_order.part = in_parts.part
    AND segments_in_order.prior_weight IS NULL
  WHERE in_parts.times > 0 OR segments_in_order.rank = 1
),
-- Where they differ, any part may be the likeliest.
differing AS (
  SELECT
    customer_id,
    dimension,
    part,
    n,
    times,
    share,
    base_share,
    row_number() OVER (PARTITION BY customer_id, dimension ORDER BY share DESC, base_share DESC, part) AS rank,
    prior_weight,
    chi2
  FROM (
    SELECT
      in_parts.customer_id,
      in_parts.dimension,
      in_parts.part,
      in_parts.n,
      in_parts.times,
      (in_parts.times + segments_in_order.prior_weight * segments_in_order.share)
      / nullif(in_parts.n + segments_in_order.prior_weight, 0) AS share,
      segments_in_order.base_share,
      segments_in_order.prior_weight,
      in_parts.chi2
    FROM in_parts
    JOIN segments_in_order
      ON segments_in_order.dimension = in_parts.dimension
      AND segments_in_order.segment = in_parts.segment
      AND segments_in_order.part = in_parts.part
      AND segments_in_order.prior_weight IS NOT NULL
  ) AS possible
),
of_contacts AS (
  SELECT customer_id, dimension, part, n, times, share, base_share, rank, prior_weight, chi2
  FROM alike
  UNION ALL
  SELECT customer_id, dimension, part, n, times, share, base_share, rank, prior_weight, chi2
  FROM differing
  WHERE times > 0 OR rank = 1
),
-- 95 % of the chi-squared distribution by its degrees of freedom, one less than there are parts with actions.
limits AS (
  SELECT degrees, most
  FROM (
    VALUES
      (1, 3.841458820694124::DOUBLE), (2, 5.991464547107979::DOUBLE), (3, 7.814727903251179::DOUBLE),
      (4, 9.487729036781154::DOUBLE), (5, 11.070497693516351::DOUBLE), (6, 12.591587243743977::DOUBLE),
      (7, 14.067140449340169::DOUBLE)
  ) AS listed (degrees, most)
),
known AS (
  SELECT base.dimension, max(limits.most) AS most
  FROM base
  JOIN limits ON limits.degrees = base.degrees
  GROUP BY base.dimension
)
SELECT
  $snapshot_date AS snapshot_date,
  scope,
  id,
  dimension,
  part,
  n,
  times AS actions,
  share,
  base_share,
  rank,
  prior_weight,
  CAST(NULL AS DOUBLE) AS chi2,
  CAST(NULL AS BOOLEAN) AS differs
FROM groups_in_order
UNION ALL
SELECT
  $snapshot_date AS snapshot_date,
  'contact' AS scope,
  of_contacts.customer_id AS id,
  of_contacts.dimension,
  of_contacts.part,
  of_contacts.n,
  of_contacts.times AS actions,
  of_contacts.share,
  of_contacts.base_share,
  of_contacts.rank,
  of_contacts.prior_weight,
  of_contacts.chi2,
  CASE WHEN of_contacts.n >= 20 THEN of_contacts.chi2 > known.most END AS differs
FROM of_contacts
LEFT JOIN known ON known.dimension = of_contacts.dimension
