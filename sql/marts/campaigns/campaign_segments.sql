/*
description: "Who responds to which programme: of the members to whom a message was delivered, how many opened it, clicked it and ordered in the window, by where they stood on the evening before. What they did, not what the messages caused: segments that buy much order more without any message, which marts.campaign_uplift_segments takes into account. Empty without the export messages."
grain: [snapshot_date, programme, segment, metric]
owner: team:crm
columns:
  snapshot_date: {type: DATE, meaning: The day whose end the row describes}
  programme:     {type: VARCHAR, meaning: "Programme, such as all newsletters; the id of a campaign that nobody tells of"}
  segment:       {type: VARCHAR, meaning: "Group (grid) on the evening before the campaign began for the member; lead: had not bought; other: groups with fewer than 10 contacts of the programme, together; (all)"}
  metric:        {type: VARCHAR, values: [opened, clicked, bought], meaning: "opened: by a person, or clicked; of campaigns of which it is known. clicked: by a person. bought: an order that stands in the window of the campaign"}
  contacts:      {type: BIGINT, unit: contacts, min: 10, meaning: "Members to whom a message was delivered; who is a member of several campaigns of the programme counts in each"}
  responses:     {type: BIGINT, unit: contacts, min: 0, meaning: "Of these, who did it"}
  share:         {type: DOUBLE, unit: share, min: 0, max: 1, meaning: responses as a share of contacts}
  share_low:     {type: DOUBLE, unit: share, min: 0, max: 1, meaning: Lower end of its 95 % interval (Wilson)}
  share_high:    {type: DOUBLE, unit: share, min: 0, max: 1, meaning: Upper end of it}
  shrunk_share:  {type: DOUBLE, unit: share, min: 0, max: 1, meaning: "The share drawn towards that of the programme: (responses + prior_weight · share of all) / (contacts + prior_weight); that of all where segments do not differ"}
  prior_weight:  {type: DOUBLE, unit: contacts, nullable: true, min: 0, meaning: "1/rho - 1, rho how much more often two contacts of one segment respond alike than two of the programme; null where that is not at least 3 standard errors above 0 (jackknife over 256 buckets of customers), so that segments do not differ"}
tests:
  responses_are_of_contacts: |
    SELECT programme, segment, metric, contacts, responses
    FROM marts.campaign_segments
    WHERE snapshot_date = $snapshot_date AND responses > contacts
*/
WITH contacts AS (
  SELECT
    coalesce(campaigns.programme, members.campaign_id) AS programme,
    members.grid AS segment,
    substring(md5(members.customer_id), 1, 2) AS bucket,
    members.open_is_known,
    CASE WHEN members.opened > 0 THEN 1 ELSE 0 END AS opened,
    CASE WHEN members.clicked > 0 THEN 1 ELSE 0 END AS clicked,
    CASE WHEN members.orders > 0 THEN 1 ELSE 0 END AS bought
  FROM features.member_outcomes AS members
  LEFT JOIN staging.campaigns AS campaigns ON campaigns.campaign_id = members.campaign_id
  WHERE members.delivered > 0 AND members.group_name = 'treated'
),
counted AS (
  SELECT
    programme,
    segment,
    bucket,
    count(*) AS contacts,
    sum(open_is_known) AS openable,
    sum(open_is_known * opened) AS opened,
    sum(clicked) AS clicked,
    sum(bought) AS bought
  FROM contacts
  GROUP BY programme, segment, bucket
),
sizes AS (
  SELECT programme, segment, sum(contacts) AS contacts
  FROM counted
  GROUP BY programme, segment
),
by_metric AS (
  SELECT
    counted.programme,
    CASE WHEN sizes.contacts < 10 THEN 'other' ELSE counted.segment END AS segment,
    metrics.metric,
    counted.bucket,
    CASE WHEN metrics.metric = 'opened' THEN counted.openable ELSE counted.contacts END AS n,
    CASE metrics.metric
      WHEN 'opened' THEN counted.opened
      WHEN 'clicked' THEN counted.clicked
      ELSE counted.bought
    END AS x
  FROM counted
  JOIN sizes ON sizes.programme = counted.programme AND sizes.segment = counted.segment
  CROSS JOIN (VALUES ('opened'), ('clicked'), ('bought')) AS metrics (metric)
),
cells AS (
  SELECT programme, segment, metric, bucket, sum(n) AS n, sum(x) AS x
  FROM by_metric
  GROUP BY programme, segment, metric, bucket
),
segments AS (
  SELECT programme, segment, metric, sum(n) AS n, sum(x) AS x
  FROM cells
  GROUP BY programme, segment, metric
),
buckets AS (
  SELECT DISTINCT programme, bucket
  FROM cells
),
-- All contacts, and those without each bucket in turn. The share that is expected of pairs is weighed as they are: large
-- segments have most of them, and may lie on one side of the others.
samples AS (
  SELECT programme, segment, metric, 'all' AS bucket, n::DOUBLE AS n, x::DOUBLE AS x
  FROM segments
  UNION ALL
  SELECT
    segments.programme,
    segments.segment,
    segments.metric,
    buckets.bucket,
    (segments.n - coalesce(cells.n, 0))::DOUBLE AS n,
    (segments.x - coalesce(cells.x, 0))::DOUBLE AS x
  FROM segments
  JOIN buckets ON buckets.programme = segments.programme
  LEFT JOIN cells
    ON cells.programme = segments.programme
    AND cells.segment = segments.segment
    AND cells.metric = segments.metric
    AND cells.bucket = buckets.bucket
),
summed AS (
  SELECT
    programme,
    metric,
    bucket,
    sum(x * (x - 1) + (n - x) * (n - x - 1)) / nullif(sum(n * (n - 1)), 0) AS alike,
    sum(x * (n - 1)) / nullif(sum(n * (n - 1)), 0) AS share
  FROM samples
  GROUP BY programme, metric, bucket
),
correlations AS (
  SELECT
    programme,
    metric,
    bucket,
    (alike - pow(share, 2) - pow(1 - share, 2)) / nullif(1 - pow(share, 2) - pow(1 - share, 2), 0) AS rho
  FROM summed
),
spread AS (
  SELECT
    programme,
    metric,
    max(CASE WHEN bucket = 'all' THEN rho END) AS rho,
    stddev_samp(CASE WHEN bucket <> 'all' THEN rho END) AS deviation,
    (count(*) - 1)::DOUBLE AS buckets
  FROM correlations
  GROUP BY programme, metric
),
fits AS (
  SELECT
    programme,
    metric,
    CASE
      WHEN rho > 0 AND rho >= 3 * deviation * (buckets - 1) / nullif(sqrt(buckets), 0)
        THEN greatest(1 / nullif(rho, 0) - 1, 0.0)
    END AS prior_weight
  FROM spread
),
programmes AS (
  SELECT programme, metric, sum(n) AS n, sum(x) AS x
  FROM segments
  GROUP BY programme, metric
),
shares AS (
  SELECT
    segments.programme,
    segments.segment,
    segments.metric,
    segments.n,
    segments.x,
    segments.x::DOUBLE / nullif(segments.n, 0) AS share,
    programmes.x::DOUBLE / nullif(programmes.n, 0) AS base_share,
    fits.prior_weight
  FROM segments
  JOIN programmes ON programmes.programme = segments.programme AND programmes.metric = segments.metric
  JOIN fits ON fits.programme = segments.programme AND fits.metric = segments.metric
  UNION ALL
  SELECT
    programmes.programme,
    '(all)' AS segment,
    programmes.metric,
    programmes.n,
    programmes.x,
    programmes.x::DOUBLE / nullif(programmes.n, 0) AS share,
    programmes.x::DOUBLE / nullif(programmes.n, 0) AS base_share,
    fits.prior_weight
  FROM programmes
  JOIN fits ON fits.programme = programmes.programme AND fits.metric = programmes.metric
),
wilson AS (
  SELECT
    programme,
    segment,
    metric,
    n,
    x,
    share,
    base_share,
    prior_weight,
    (share + z2 / nullif(2 * n, 0)) / nullif(1 + z2 / nullif(n, 0), 0) AS middle,
    sqrt(z2 * (share * (1 - share) / nullif(n, 0) + z2 / nullif(4 * n * n, 0))) / nullif(1 + z2 / nullif(n, 0), 0) AS half
  FROM (
    SELECT
      programme,
      segment,
      metric,
      n::DOUBLE AS n,
      x,
      share,
      base_share,
      prior_weight,
      1.959963984540054::DOUBLE * 1.959963984540054::DOUBLE AS z2
    FROM shares
    WHERE n >= 10
  ) AS large_enough
)
SELECT
  $snapshot_date AS snapshot_date,
  wilson.programme,
  wilson.segment,
  wilson.metric,
  shares.n AS contacts,
  wilson.x AS responses,
  wilson.share,
  greatest(0.0, wilson.middle - wilson.half) AS share_low,
  least(1.0, wilson.middle + wilson.half) AS share_high,
  CASE
    WHEN wilson.prior_weight IS NULL OR wilson.segment = '(all)' THEN wilson.base_share
    ELSE (wilson.x + wilson.prior_weight * wilson.base_share) / nullif(wilson.n + wilson.prior_weight, 0)
  END AS shrunk_share,
  wilson.prior_weight
FROM wilson
JOIN shares ON shares.programme = wilson.programme AND shares.segment = wilson.segment AND shares.metric = wilson.metric
