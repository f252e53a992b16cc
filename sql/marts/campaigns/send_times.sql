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
shares AS (
  SELECT
    'base' AS scope, '(all)' AS id, dimension, part, n, times, share, share AS base_share, CAST(NULL AS DOUBLE) AS prior_weight
  FROM base
  UNION ALL
  SELECT 'segment' AS scope, segment AS id, dimension, part, n, times, share, base_share, prior_weight
  FROM segment_shares
  WHERE customers >= 10
  UNION ALL
  SELECT
    'contact' AS scope,
    contacts.customer_id AS id,
    contacts.dimension,
    segment_shares.part,
    contacts.n,
    coalesce(own.times, 0) AS times,
    CASE
      WHEN fits.prior_weight IS NULL THEN segment_shares.share
      ELSE (coalesce(own.times, 0) + fits.prior_weight * segment_shares.share) / nullif(contacts.n + fits.prior_weight, 0)
    END AS share,
    segment_shares.base_share,
    fits.prior_weight
  FROM contacts
  JOIN segment_shares
    ON segment_shares.dimension = contacts.dimension AND segment_shares.segment = contacts.segment
  JOIN fits ON fits.dimension = contacts.dimension AND fits.level = 'customer'
  LEFT JOIN own
    ON own.dimension = contacts.dimension
    AND own.customer_id = contacts.customer_id
    AND own.part = segment_shares.part
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
tested AS (
  SELECT
    shares.scope,
    shares.id,
    shares.dimension,
    shares.part,
    shares.n,
    shares.times,
    shares.share,
    shares.base_share,
    shares.prior_weight,
    row_number() OVER (
      PARTITION BY shares.scope, shares.id, shares.dimension ORDER BY shares.share DESC, shares.base_share DESC, shares.part
    ) AS rank,
    CASE
      WHEN shares.scope = 'contact' THEN sum(
        pow(shares.times - shares.n * shares.base_share, 2) / nullif(shares.n * shares.base_share, 0)
      ) OVER (PARTITION BY shares.scope, shares.id, shares.dimension)
    END AS chi2
  FROM shares
),
known AS (
  SELECT base.dimension, max(limits.most) AS most
  FROM base
  JOIN limits ON limits.degrees = base.degrees
  GROUP BY base.dimension
)
SELECT
  $snapshot_date AS snapshot_date,
  tested.scope,
  tested.id,
  tested.dimension,
  tested.part,
  tested.n,
  tested.times AS actions,
  tested.share,
  tested.base_share,
  tested.rank,
  tested.prior_weight,
  tested.chi2,
  CASE WHEN tested.n >= 20 THEN tested.chi2 > known.most END AS differs
FROM tested
LEFT JOIN known ON known.dimension = tested.dimension
WHERE tested.scope <> 'contact' OR tested.times > 0 OR tested.rank = 1
