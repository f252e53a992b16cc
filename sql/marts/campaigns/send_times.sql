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
WITH counted AS (
  SELECT preference AS dimension, stratum AS segment, customer_id, category, times
  FROM features.preference_counts
  WHERE preference IN ('daypart', 'weekday')
),
parts AS (
  SELECT part, category
  FROM (VALUES (0, '0'), (1, '1'), (2, '2'), (3, '3'), (4, '4'), (5, '5'), (6, '6'), (7, '7')) AS listed (part, category)
),
own AS (
  SELECT counted.dimension, counted.segment, counted.customer_id, parts.part, counted.times
  FROM counted
  JOIN parts ON parts.category = counted.category
),
contacts AS (
  SELECT dimension, segment, customer_id, sum(times) AS n
  FROM own
  GROUP BY dimension, segment, customer_id
),
of_segments AS (
  SELECT dimension, segment, part, sum(times) AS times
  FROM own
  GROUP BY dimension, segment, part
),
segments AS (
  SELECT dimension, segment, sum(n) AS n, count(*) AS customers
  FROM contacts
  GROUP BY dimension, segment
),
of_all AS (
  SELECT dimension, part, sum(times) AS times
  FROM of_segments
  GROUP BY dimension, part
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
    segments.dimension,
    segments.segment,
    base.part,
    segments.n,
    segments.customers,
    coalesce(of_segments.times, 0) AS times,
    base.share AS base_share,
    fits.prior_weight,
    CASE
      WHEN fits.prior_weight IS NULL THEN base.share
      ELSE (coalesce(of_segments.times, 0) + fits.prior_weight * base.share) / nullif(segments.n + fits.prior_weight, 0)
    END AS share
  FROM segments
  JOIN base ON base.dimension = segments.dimension
  JOIN fits ON fits.dimension = segments.dimension AND fits.level = 'segment'
  LEFT JOIN of_segments
    ON of_segments.dimension = segments.dimension
    AND of_segments.segment = segments.segment
    AND of_segments.part = base.part
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
-- Where customers do not differ, each has the shares of their segment, in its order: what they did and the likeliest.
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
alike AS (
  SELECT
    contacts.customer_id,
    contacts.dimension,
    segments_in_order.part,
    contacts.n,
    coalesce(own.times, 0) AS times,
    segments_in_order.share,
    segments_in_order.base_share,
    segments_in_order.rank,
    segments_in_order.prior_weight
  FROM contacts
  JOIN segments_in_order
    ON segments_in_order.dimension = contacts.dimension
    AND segments_in_order.segment = contacts.segment
    AND segments_in_order.prior_weight IS NULL
  LEFT JOIN own
    ON own.dimension = contacts.dimension
    AND own.customer_id = contacts.customer_id
    AND own.part = segments_in_order.part
  WHERE own.times > 0 OR segments_in_order.rank = 1
),
-- Where they differ, any part may be the likeliest.
possible AS (
  SELECT
    contacts.customer_id,
    contacts.dimension,
    segments_in_order.part,
    contacts.n,
    coalesce(own.times, 0) AS times,
    (coalesce(own.times, 0) + segments_in_order.prior_weight * segments_in_order.share)
    / nullif(contacts.n + segments_in_order.prior_weight, 0) AS share,
    segments_in_order.base_share,
    segments_in_order.prior_weight
  FROM contacts
  JOIN segments_in_order
    ON segments_in_order.dimension = contacts.dimension
    AND segments_in_order.segment = contacts.segment
    AND segments_in_order.prior_weight IS NOT NULL
  LEFT JOIN own
    ON own.dimension = contacts.dimension
    AND own.customer_id = contacts.customer_id
    AND own.part = segments_in_order.part
),
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
    prior_weight
  FROM possible
),
of_contacts AS (
  SELECT customer_id, dimension, part, n, times, share, base_share, rank, prior_weight
  FROM alike
  UNION ALL
  SELECT customer_id, dimension, part, n, times, share, base_share, rank, prior_weight
  FROM differing
  WHERE times > 0 OR rank = 1
),
-- What one did not do adds what is expected of it: (0 - e)² / e.
distances AS (
  SELECT
    own.dimension,
    own.customer_id,
    greatest(
      0.0,
      sum(pow(own.times - contacts.n * base.share, 2) / nullif(contacts.n * base.share, 0) - contacts.n * base.share)
      + max(contacts.n)
    ) AS chi2
  FROM own
  JOIN contacts ON contacts.dimension = own.dimension AND contacts.customer_id = own.customer_id
  JOIN base ON base.dimension = own.dimension AND base.part = own.part
  GROUP BY own.dimension, own.customer_id
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
  distances.chi2,
  CASE WHEN of_contacts.n >= 20 THEN distances.chi2 > known.most END AS differs
FROM of_contacts
JOIN distances ON distances.dimension = of_contacts.dimension AND distances.customer_id = of_contacts.customer_id
LEFT JOIN known ON known.dimension = of_contacts.dimension
