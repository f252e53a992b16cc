/*
description: "Why the churn horizon has the days that it has: the longest of four in which at least a tenth of those who bought in the 365 days before stayed silent, decided on the last day of a month, unless it is set. Empty without enough data."
grain: [snapshot_date, horizon_days]
owner: team:data
computed_by: prediction
reads: [marts.lifecycle_months, staging.occasions, staging.order_lines, staging.orders]
columns:
  snapshot_date:               {type: DATE, meaning: The day whose end the row describes}
  horizon_days:                {type: INTEGER, unit: days, values: [30, 60, 90, 180], meaning: "Days that may be the churn horizon: the last so many up to decided_on"}
  decided_on:                  {type: DATE, meaning: "Last day of a month, up to the snapshot date, at whose end buyers and silent are counted"}
  buyers:                      {type: BIGINT, unit: customers, min: 0, meaning: Customers who bought in the 365 days before these days}
  silent:                      {type: BIGINT, unit: customers, min: 0, meaning: Those of them who bought nothing in these days}
  silent_share:                {type: DOUBLE, unit: share, nullable: true, min: 0, max: 1, meaning: Their share; null without buyers}
  verdict:                     {type: VARCHAR, values: [enough silent, too few silent, too few buyers], meaning: "Whether a tenth stayed silent; too few buyers: fewer than 100, which is no share to go by"}
  churn_horizon_days:          {type: INTEGER, unit: days, min: 1, meaning: The churn horizon of the snapshot date}
  chosen_by:                   {type: VARCHAR, values: [enough silent, none has enough, set], meaning: "enough silent: the longest with that verdict; none has enough: the shortest stands in; set: churn_horizon_days of the settings"}
  previous_churn_horizon_days: {type: INTEGER, unit: days, nullable: true, min: 1, meaning: "The one chosen a month before decided_on by the same rule: where it is another, what is told of churn is not to be compared with what was told before. Null where it is set, or where nothing was predicted yet"}
tests:
  the_choice_follows_from_the_evidence: |
    SELECT churn_horizon_days, chosen_by
    FROM marts.churn_horizons
    WHERE snapshot_date = $snapshot_date AND chosen_by <> 'set'
    GROUP BY churn_horizon_days, chosen_by
    HAVING churn_horizon_days <> coalesce(max(horizon_days) FILTER (WHERE verdict = 'enough silent'), min(horizon_days))
      OR (count(*) FILTER (WHERE verdict = 'enough silent') > 0) <> (chosen_by = 'enough silent')
  one_churn_horizon_a_day: |
    SELECT count(DISTINCT churn_horizon_days) AS horizons
    FROM marts.churn_horizons
    WHERE snapshot_date = $snapshot_date
    HAVING count(DISTINCT churn_horizon_days) > 1
*/
