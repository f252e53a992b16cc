/*
description: "The day of silence after a purchase on which the hope for the next one has faded: when to write. For every order number, by two rules, and for the second purchase by quarter of the first to see it drift. Rows of different horizons are never to be compared."
grain: [snapshot_date, order_number, cohort, horizon_days]
owner: team:crm
computed_by: rhythm
reads: [staging.occasions, marts.lifecycle_thresholds, marts.lifecycle_stages, marts.rfm_segments]
columns:
  snapshot_date:     {type: DATE, meaning: The day whose end the row describes}
  order_number:      {type: BIGINT, unit: occasions, min: 1, meaning: "k of the step from the k-th to the next purchase"}
  cohort:            {type: VARCHAR, meaning: "all, or the quarter of the first purchase (2026-Q1; order number 1 only)"}
  horizon_days:      {type: BIGINT, unit: days, values: [90, 180, 270, 365], meaning: "H: the purchase is waited for up to this day"}
  is_main:           {type: BOOLEAN, meaning: "The horizon to read: for all customers the longest one reached, for quarters the one that most of them have reached"}
  status:            {type: VARCHAR, values: [known, not_reached], meaning: "not_reached: fewer than 200 silences have been watched for H days, so nothing is said"}
  silences:          {type: BIGINT, unit: silences, min: 1, meaning: "Silences after this purchase that began in the last 730 days"}
  at_risk:           {type: BIGINT, unit: silences, min: 0, meaning: Silences still watched on day H}
  share_back:        {type: DOUBLE, unit: share, nullable: true, min: 0, max: 1, meaning: "Share who buy again by day H (Kaplan–Meier)"}
  share_back_low:    {type: DOUBLE, unit: share, nullable: true, min: 0, max: 1, meaning: Lower end of its 95 % interval}
  share_back_high:   {type: DOUBLE, unit: share, nullable: true, min: 0, max: 1, meaning: Upper end of it}
  key_moment_days:   {type: BIGINT, unit: days, nullable: true, min: 0, meaning: "Half-life: first day on which the chance to buy by day H, given silence until then, is below half of what it is at the start"}
  key_moment_low:    {type: BIGINT, unit: days, nullable: true, min: 0, meaning: "Lower end of its 95 % bootstrap interval, customers drawn in 256 buckets"}
  key_moment_high:   {type: BIGINT, unit: days, nullable: true, min: 0, meaning: Upper end of it}
  send_days:         {type: BIGINT, unit: days, nullable: true, min: 0, meaning: "When to write: key moment − rhythm.send_lead_days after the purchase"}
  limit_days:        {type: BIGINT, unit: days, min: 1, meaning: "Defecting limit of customers with one occasion (order number 1) or with more, for the rule of the majority"}
  majority_days:     {type: BIGINT, unit: days, nullable: true, min: 0, meaning: "The other rule: first day on which silence up to the defecting limit is more likely than a purchase before it. Often 0, from the first day on; it does not depend on H. null: it never is, or the limit is not reached"}
  majority_low:      {type: BIGINT, unit: days, nullable: true, min: 0, meaning: Lower end of its 95 % bootstrap interval}
  majority_high:     {type: BIGINT, unit: days, nullable: true, min: 0, meaning: "Upper end of it; null: open"}
tests:
  one_main_horizon: |
    SELECT order_number, cohort FROM marts.key_moments
    WHERE snapshot_date = $snapshot_date
    GROUP BY order_number, cohort
    HAVING count(*) FILTER (WHERE is_main) > 1 OR count(*) <> 4
  quarters_share_their_horizon: |
    SELECT count(DISTINCT horizon_days) AS horizons FROM marts.key_moments
    WHERE snapshot_date = $snapshot_date AND cohort <> 'all' AND is_main
    HAVING count(DISTINCT horizon_days) > 1
  nothing_is_said_before_the_horizon: |
    SELECT order_number, cohort, horizon_days FROM marts.key_moments
    WHERE snapshot_date = $snapshot_date
      AND (status = 'known') <> (at_risk >= 200 AND share_back IS NOT NULL)
  in_time: |
    SELECT order_number, cohort, horizon_days FROM marts.key_moments
    WHERE snapshot_date = $snapshot_date AND (key_moment_days > horizon_days OR send_days > key_moment_days)
*/
