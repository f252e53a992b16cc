/*
description: "Share of customers who have bought again by every day of silence after a purchase, by order number (Kaplan–Meier). Days on which fewer than 100 silences are watched are left out."
grain: [snapshot_date, order_number, silent_days]
owner: team:crm
computed_by: rhythm
reads: [staging.occasions, marts.lifecycle_thresholds, marts.lifecycle_stages, marts.rfm_segments]
columns:
  snapshot_date: {type: DATE, meaning: The day whose end the row describes}
  order_number:  {type: BIGINT, unit: occasions, min: 1, meaning: "k of the step from the k-th to the next purchase"}
  silent_days:   {type: BIGINT, unit: days, min: 0, meaning: Days since the purchase}
  share_back:    {type: DOUBLE, unit: share, min: 0, max: 1, meaning: Share who have bought again by that day}
  share_low:     {type: DOUBLE, unit: share, min: 0, max: 1, meaning: "Lower end of its 95 % interval (Greenwood, log-log)"}
  share_high:    {type: DOUBLE, unit: share, min: 0, max: 1, meaning: Upper end of it}
  at_risk:       {type: BIGINT, unit: silences, min: 100, meaning: Silences that lasted until that day and were watched then}
tests:
  shares_never_fall: |
    WITH sequenced AS (
      SELECT order_number, silent_days, share_back,
        lag(share_back) OVER (PARTITION BY order_number ORDER BY silent_days) AS before
      FROM marts.survival_curves
      WHERE snapshot_date = $snapshot_date
    )
    SELECT order_number, silent_days FROM sequenced WHERE share_back < before
*/
