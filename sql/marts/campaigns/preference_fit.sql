/*
description: "Whether customers differ in what they do, more than by chance: which channel they order by, how often they click, when they come to the web shop. Where they do not, everybody is given what holds for all; where they do, prior_weight says how far a customer's own record counts. Times of visits also tell whether segments differ."
grain: [snapshot_date, preference, level]
owner: team:crm
columns:
  snapshot_date: {type: DATE, meaning: The day whose end the row describes}
  preference:
    type: VARCHAR
    values: [order_channel, click, email_click, sms_click, push_click, daypart, weekday]
    meaning: "order_channel: marketing channel of orders. click: whether a delivered message is clicked; by channel of the message likewise. daypart, weekday: of visits that no message prompted"
  level:         {type: VARCHAR, values: [customer, segment], meaning: "Who is compared. customer: customers, of daypart and weekday those of one segment (grid) with one another. segment: the segments"}
  customers:     {type: BIGINT, unit: customers, min: 1, meaning: Customers who did any of it}
  events:        {type: BIGINT, unit: events, min: 1, meaning: "Orders, delivered messages or visits"}
  rho:           {type: DOUBLE, nullable: true, max: 1, meaning: "How much more often two events of one customer (or of two customers of one segment) are alike than two events of anybody, as a share of what is possible; null without such pairs"}
  rho_error:     {type: DOUBLE, nullable: true, min: 0, meaning: "Its standard error (jackknife over 256 buckets of customers); null where there are too few"}
  z:             {type: DOUBLE, nullable: true, meaning: "rho by its standard error; null where that is 0 or not known"}
  differs:       {type: BOOLEAN, meaning: "Whether rho is above 0 by at least 3 standard errors"}
  prior_weight:  {type: DOUBLE, unit: events, nullable: true, min: 0, meaning: "1/rho - 1: events with the shares of all (or of the segment) that are added to those of a customer (or a segment); null where they do not differ"}
tests:
  who_differs_has_a_weight: |
    SELECT preference, level, differs, rho, prior_weight
    FROM marts.preference_fit
    WHERE snapshot_date = $snapshot_date
      AND (differs <> (prior_weight IS NOT NULL) OR differs = TRUE AND (rho IS NULL OR rho <= 0))
*/
-- Of each customer: how often, and in how many ways two of it can be taken that are alike.
WITH clicks AS (
  SELECT 'click' AS preference, customer_id, sum(delivered) AS n, sum(clicked) AS clicked
  FROM features.contact_clicks
  GROUP BY customer_id
  UNION ALL
  SELECT channel || '_click' AS preference, customer_id, delivered AS n, clicked
  FROM features.contact_clicks
  WHERE channel IN ('email', 'sms', 'push')
),
orders AS (
  SELECT customer_id, sum(orders) AS n, sum(orders * (orders - 1)) AS alike
  FROM features.customer_channels
  GROUP BY customer_id
),
clicks_by_bucket AS (
  SELECT
    preference,
    bucket,
    count(*) AS customers,
    sum(n) AS events,
    sum(n * (n - 1)) AS pairs,
    sum(clicked * (clicked - 1) + (n - clicked) * (n - clicked - 1)) AS alike,
    sum(clicked) AS clicked
  FROM (SELECT preference, substring(md5(customer_id), 1, 2) AS bucket, n, clicked FROM clicks) AS hashed
  GROUP BY preference, bucket
),
times_by_bucket AS (
  SELECT
    dimension,
    segment,
    bucket,
    count(*) AS customers,
    sum(n) AS events,
    sum(n * (n - 1)) AS pairs,
    sum(
      part_0 * (part_0 - 1)
      + part_1 * (part_1 - 1)
      + part_2 * (part_2 - 1)
      + part_3 * (part_3 - 1)
      + part_4 * (part_4 - 1)
      + part_5 * (part_5 - 1)
      + part_6 * (part_6 - 1)
      + part_7 * (part_7 - 1)
    ) AS alike,
    sum(part_0) AS part_0,
    sum(part_1) AS part_1,
    sum(part_2) AS part_2,
    sum(part_3) AS part_3,
    sum(part_4) AS part_4,
    sum(part_5) AS part_5,
    sum(part_6) AS part_6,
    sum(part_7) AS part_7
  FROM (
    SELECT
      dimension,
      segment,
      substring(md5(customer_id), 1, 2) AS bucket,
      n,
      part_0,
      part_1,
      part_2,
      part_3,
      part_4,
      part_5,
      part_6,
      part_7
    FROM features.action_times
  ) AS hashed
  GROUP BY dimension, segment, bucket
),
counted AS (
  SELECT preference, '(all)' AS stratum, bucket, customers, events, pairs, alike
  FROM clicks_by_bucket
  UNION ALL
  SELECT dimension AS preference, segment AS stratum, bucket, customers, events, pairs, alike
  FROM times_by_bucket
  UNION ALL
  SELECT
    'order_channel' AS preference,
    '(all)' AS stratum,
    substring(md5(customer_id), 1, 2) AS bucket,
    count(*) AS customers,
    sum(n) AS events,
    sum(n * (n - 1)) AS pairs,
    sum(alike) AS alike
  FROM orders
  GROUP BY substring(md5(customer_id), 1, 2)
),
by_bucket AS (
  SELECT
    preference,
    stratum,
    bucket,
    customers,
    events,
    events::DOUBLE AS n,
    pairs::DOUBLE AS pairs,
    alike::DOUBLE AS alike
  FROM counted
),
by_category AS (
  SELECT preference, '(all)' AS stratum, bucket, 'clicked' AS category, clicked::DOUBLE AS n
  FROM clicks_by_bucket
  UNION ALL
  SELECT preference, '(all)' AS stratum, bucket, 'not' AS category, (events - clicked)::DOUBLE AS n
  FROM clicks_by_bucket
  UNION ALL
  SELECT dimension AS preference, segment AS stratum, bucket, category, times::DOUBLE AS n
  FROM (
    SELECT
      times.dimension,
      times.segment,
      times.bucket,
      parts.category,
      CASE parts.category
        WHEN '0' THEN times.part_0
        WHEN '1' THEN times.part_1
        WHEN '2' THEN times.part_2
        WHEN '3' THEN times.part_3
        WHEN '4' THEN times.part_4
        WHEN '5' THEN times.part_5
        WHEN '6' THEN times.part_6
        ELSE times.part_7
      END AS times
    FROM times_by_bucket AS times
    CROSS JOIN (VALUES ('0'), ('1'), ('2'), ('3'), ('4'), ('5'), ('6'), ('7')) AS parts (category)
  ) AS in_parts
  WHERE times > 0
  UNION ALL
  SELECT
    'order_channel' AS preference,
    '(all)' AS stratum,
    substring(md5(customer_id), 1, 2) AS bucket,
    channel AS category,
    sum(orders)::DOUBLE AS n
  FROM features.customer_channels
  GROUP BY substring(md5(customer_id), 1, 2), channel
),
categories AS (
  SELECT preference, stratum, category, sum(n) AS n
  FROM by_category
  GROUP BY preference, stratum, category
),
squares AS (
  SELECT preference, stratum, sum(n * n) AS squares
  FROM categories
  GROUP BY preference, stratum
),
-- What the squares lose when a bucket is left out: T² - (T - t)².
lost AS (
  SELECT by_category.preference, by_category.stratum, by_category.bucket, sum((2 * categories.n - by_category.n) * by_category.n) AS squares
  FROM by_category
  JOIN categories
    ON categories.preference = by_category.preference
    AND categories.stratum = by_category.stratum
    AND categories.category = by_category.category
  GROUP BY by_category.preference, by_category.stratum, by_category.bucket
),
strata AS (
  SELECT
    by_bucket.preference,
    by_bucket.stratum,
    max(squares.squares) AS squares,
    sum(by_bucket.customers) AS customers,
    sum(by_bucket.events) AS events,
    sum(by_bucket.n) AS n,
    sum(by_bucket.pairs) AS pairs,
    sum(by_bucket.alike) AS alike
  FROM by_bucket
  JOIN squares ON squares.preference = by_bucket.preference AND squares.stratum = by_bucket.stratum
  GROUP BY by_bucket.preference, by_bucket.stratum
),
buckets AS (
  SELECT DISTINCT preference, bucket
  FROM by_bucket
),
samples AS (
  SELECT preference, stratum, 'all' AS bucket, n, pairs, alike, squares
  FROM strata
  UNION ALL
  SELECT
    strata.preference,
    strata.stratum,
    buckets.bucket,
    strata.n - coalesce(by_bucket.n, 0) AS n,
    strata.pairs - coalesce(by_bucket.pairs, 0) AS pairs,
    strata.alike - coalesce(by_bucket.alike, 0) AS alike,
    strata.squares - coalesce(lost.squares, 0) AS squares
  FROM strata
  JOIN buckets ON buckets.preference = strata.preference
  LEFT JOIN by_bucket
    ON by_bucket.preference = strata.preference
    AND by_bucket.stratum = strata.stratum
    AND by_bucket.bucket = buckets.bucket
  LEFT JOIN lost
    ON lost.preference = strata.preference AND lost.stratum = strata.stratum AND lost.bucket = buckets.bucket
),
chances AS (
  SELECT preference, stratum, bucket, n, pairs, alike, squares, squares / nullif(n * n, 0) AS by_chance
  FROM samples
),
-- Pairs of two customers of a segment tell how segments differ. What is expected of them is weighed as they are: large
-- segments have most of the pairs, and may lie on one side of the others.
among_segments AS (
  SELECT
    samples.preference,
    samples.bucket,
    categories.category,
    sum(
      (samples.n * samples.n - samples.n - samples.pairs)
      * (categories.n - coalesce(by_category.n, 0)) / nullif(samples.n, 0)
    ) / nullif(sum(samples.n * samples.n - samples.n - samples.pairs), 0) AS share
  FROM samples
  JOIN categories ON categories.preference = samples.preference AND categories.stratum = samples.stratum
  LEFT JOIN by_category
    ON by_category.preference = samples.preference
    AND by_category.stratum = samples.stratum
    AND by_category.bucket = samples.bucket
    AND by_category.category = categories.category
  WHERE samples.preference IN ('daypart', 'weekday')
  GROUP BY samples.preference, samples.bucket, categories.category
),
between_by_chance AS (
  SELECT preference, bucket, sum(share * share) AS by_chance
  FROM among_segments
  GROUP BY preference, bucket
),
summed AS (
  SELECT
    preference,
    bucket,
    sum(alike - pairs * by_chance) AS more_alike,
    sum(pairs * (1 - by_chance)) AS possible,
    sum(squares - n - alike) AS alike_between,
    sum(n * n - n - pairs) AS pairs_between
  FROM chances
  GROUP BY preference, bucket
),
correlations AS (
  SELECT preference, 'customer' AS level, bucket, more_alike / nullif(possible, 0) AS rho
  FROM summed
  UNION ALL
  SELECT
    summed.preference,
    'segment' AS level,
    summed.bucket,
    (summed.alike_between / nullif(summed.pairs_between, 0) - between_by_chance.by_chance)
    / nullif(1 - between_by_chance.by_chance, 0) AS rho
  FROM summed
  JOIN between_by_chance
    ON between_by_chance.preference = summed.preference AND between_by_chance.bucket = summed.bucket
),
spread AS (
  SELECT
    preference,
    level,
    max(CASE WHEN bucket = 'all' THEN rho END) AS rho,
    stddev_samp(CASE WHEN bucket <> 'all' THEN rho END) AS deviation,
    (count(*) - 1)::DOUBLE AS buckets
  FROM correlations
  GROUP BY preference, level
),
totals AS (
  SELECT preference, sum(customers) AS customers, sum(events) AS events
  FROM strata
  GROUP BY preference
),
fits AS (
  SELECT
    preference,
    level,
    rho,
    deviation * (buckets - 1) / nullif(sqrt(buckets), 0) AS rho_error
  FROM spread
)
SELECT
  $snapshot_date AS snapshot_date,
  fits.preference,
  fits.level,
  totals.customers,
  totals.events,
  CASE WHEN fits.rho > 1 THEN 1.0 ELSE fits.rho END AS rho,
  fits.rho_error,
  fits.rho / nullif(fits.rho_error, 0) AS z,
  coalesce(fits.rho > 0 AND fits.rho >= 3 * fits.rho_error, FALSE) AS differs,
  CASE WHEN fits.rho > 0 AND fits.rho >= 3 * fits.rho_error THEN greatest(1 / nullif(fits.rho, 0) - 1, 0.0) END AS prior_weight
FROM fits
JOIN totals ON totals.preference = fits.preference
