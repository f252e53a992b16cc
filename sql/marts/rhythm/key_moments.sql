/*
description: "When to write to who has bought: the days by which a quarter, half and three quarters of those who come back are back (remind at the half, win back at three quarters), and the day of silence on which the hope has faded. For every order number, and for the second purchase by quarter of the first to see it drift. All of it depends on the horizon, most of all the key moment: rows of different horizons are never to be compared."
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
  status:            {type: VARCHAR, values: [known, not_reached], meaning: "not_reached: fewer than 200 silences, of a quarter 50, go on and are watched on day H, so nothing is said"}
  silences:          {type: BIGINT, unit: silences, min: 1, meaning: "Silences after this purchase that began in the last 730 days"}
  at_risk:           {type: BIGINT, unit: silences, min: 0, meaning: Silences still watched on day H}
  returned:          {type: BIGINT, unit: silences, min: 0, meaning: "Silences that a purchase ended by day H: what the days below rest on"}
  unwatched:         {type: BIGINT, unit: silences, min: 0, meaning: "Silences that go on and are younger than H days; with those at risk and those that ended before day H all silences"}
  share_back:        {type: DOUBLE, unit: share, nullable: true, min: 0, max: 1, meaning: "Share who buy again by day H (Kaplan–Meier)"}
  share_back_low:    {type: DOUBLE, unit: share, nullable: true, min: 0, max: 1, meaning: Lower end of its 95 % interval}
  share_back_high:   {type: DOUBLE, unit: share, nullable: true, min: 0, max: 1, meaning: Upper end of it}
  back_p25_days:     {type: BIGINT, unit: days, nullable: true, min: 0, meaning: "First day by which 25 % of those who buy again by day H have done so: the share back by that day over the share back by day H, both Kaplan–Meier, so that silences that go on count as long as they were watched. Who never buys again by day H is not in it, other than in purchase_gaps. null with fewer than 20 returned"}
  back_p50_days:     {type: BIGINT, unit: days, nullable: true, min: 0, meaning: "The same for half of them: the day to remind the others"}
  back_p50_low:      {type: BIGINT, unit: days, nullable: true, min: 0, meaning: "Lower end of its 95 % bootstrap interval, customers drawn in 256 buckets"}
  back_p50_high:     {type: BIGINT, unit: days, nullable: true, min: 0, meaning: Upper end of it}
  back_p75_days:     {type: BIGINT, unit: days, nullable: true, min: 0, meaning: "The same for three quarters of them: the day to win the others back"}
  back_p75_low:      {type: BIGINT, unit: days, nullable: true, min: 0, meaning: Lower end of its 95 % bootstrap interval}
  back_p75_high:     {type: BIGINT, unit: days, nullable: true, min: 0, meaning: Upper end of it}
  key_moment_days:   {type: BIGINT, unit: days, nullable: true, min: 0, meaning: "Half-life: first day on which the chance to buy by day H, given silence until then, is below half of what it is at the start"}
  key_moment_low:    {type: BIGINT, unit: days, nullable: true, min: 0, meaning: "Lower end of its 95 % bootstrap interval, customers drawn in 256 buckets"}
  key_moment_high:   {type: BIGINT, unit: days, nullable: true, min: 0, meaning: Upper end of it}
  send_days:         {type: BIGINT, unit: days, nullable: true, min: 0, meaning: "When to write by the key moment: rhythm.send_lead_days before it"}
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
      AND (
        (status = 'known') <> (at_risk >= CASE WHEN cohort = 'all' THEN 200 ELSE 50 END AND share_back IS NOT NULL)
        OR (back_p50_days IS NOT NULL) <> (status = 'known' AND returned >= 20)
      )
  no_silence_is_counted_twice: |
    SELECT order_number, cohort, horizon_days FROM marts.key_moments
    WHERE snapshot_date = $snapshot_date
      AND (silences NOT BETWEEN at_risk + unwatched AND at_risk + unwatched + returned OR returned + unwatched > silences)
  in_time: |
    SELECT order_number, cohort, horizon_days FROM marts.key_moments
    WHERE snapshot_date = $snapshot_date
      AND (
        key_moment_days > horizon_days
        OR send_days > key_moment_days
        OR back_p25_days > back_p50_days
        OR back_p50_days > back_p75_days
        OR back_p75_days > horizon_days
      )
*/
