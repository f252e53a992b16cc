/*
description: "What a move up the lifecycle is worth, and the most that may be spent on a customer to convert, retain or win back: the difference of the mean predicted values × the share that made the move; to retain, × the share that left. An upper limit: it takes every move for the work of what is spent, and every loss for one that can be prevented. Where campaigns with a control group measured what a contact with the stage causes, that instead."
grain: [snapshot_date, move, from_stage, horizon_days]
owner: team:crm
columns:
  snapshot_date:         {type: DATE, meaning: The day whose end the row describes}
  move:                  {type: VARCHAR, values: [acquire, convert, retain, win back], meaning: "acquire: lead → first-time; convert: first-time → active; retain: active stays active instead of defecting; win back: defecting or inactive → active"}
  from_stage:            {type: VARCHAR, values: [lead, first-time, active, defecting, inactive], meaning: Stage of those on whom is spent}
  to_stage:              {type: VARCHAR, values: [first-time, active], meaning: Stage they reach or keep}
  horizon_days:          {type: INTEGER, unit: days, values: [30, 90], meaning: How long success may take}
  status:                {type: VARCHAR, values: [ok, too few, insufficient data], meaning: "too few: below 30 customers stand behind a value or the share; insufficient data: no value is predicted on this day; then nothing is said"}
  value_with:            {type: DOUBLE, unit: currency, nullable: true, min: 0, meaning: Mean predicted value of to_stage}
  value_without:         {type: DOUBLE, unit: currency, nullable: true, min: 0, meaning: "Mean predicted value without the move: of from_stage, of defecting for retain; 0 for a lead, an assumption, as no model values leads"}
  value_difference:      {type: DOUBLE, unit: currency, nullable: true, meaning: "value_with − value_without; customers of the two stages differ in more than the stage"}
  difference_error:      {type: DOUBLE, unit: currency, nullable: true, min: 0, meaning: Standard error of the difference}
  success_share:         {type: DOUBLE, nullable: true, min: 0, max: 1, meaning: "Share that made the move in the last horizon_days; of retain the share that left active, which could at most be kept"}
  success_low:           {type: DOUBLE, nullable: true, min: 0, max: 1, meaning: Lower end of its 95 % interval (Wilson)}
  success_high:          {type: DOUBLE, nullable: true, min: 0, max: 1, meaning: Upper end of it}
  from_customers:        {type: BIGINT, unit: customers, min: 0, meaning: n of the share}
  margin:                {type: DOUBLE, min: 0, max: 1, meaning: "Share of revenue that is earned, clv.margin; 1 where it is not set: then everything here counts revenue as if all of it were earned"}
  margin_is_set:         {type: BOOLEAN, meaning: Whether clv.margin is set}
  cost_basis:            {type: VARCHAR, nullable: true, values: [measured, at most], meaning: "Where most_to_spend comes from. measured: what a contact with a customer of from_stage caused, contact_worth of marts.lifecycle_value, whatever the move and horizon. at most: the upper limit. null where nothing is said"}
  most_to_spend:         {type: DOUBLE, unit: currency, nullable: true, meaning: "Most that may be spent on a customer: as measured, else value_difference × success_share. The predicted values hold the margin already, so it is not applied again"}
  most_to_spend_low:     {type: DOUBLE, unit: currency, nullable: true, meaning: "Lower end of its 95 % interval; else the same with success_low (success_high where the difference is negative)"}
  most_to_spend_high:    {type: DOUBLE, unit: currency, nullable: true, meaning: "Upper end of it; else the same with success_high (success_low where the difference is negative)"}
tests:
  all_moves_are_there: |
    SELECT count(*) AS moves FROM marts.lifecycle_moves WHERE snapshot_date = $snapshot_date HAVING count(*) <> 10
*/
WITH moves AS (
  SELECT move, from_stage, to_stage, without_stage
  FROM (
    VALUES
      ('acquire', 'lead', 'first-time', 'lead'),
      ('convert', 'first-time', 'active', 'first-time'),
      ('retain', 'active', 'active', 'defecting'),
      ('win back', 'defecting', 'active', 'defecting'),
      ('win back', 'inactive', 'active', 'inactive')
  ) AS moves (move, from_stage, to_stage, without_stage)
),
stage_values AS (
  SELECT
    stage,
    CASE WHEN stage = 'lead' THEN 'ok' ELSE status END AS status,
    CASE WHEN stage = 'lead' THEN 0.0 ELSE mean_predicted_clv END AS value,
    CASE WHEN stage = 'lead' THEN 0.0 ELSE standard_error END AS standard_error,
    contact_worth,
    contact_worth_low,
    contact_worth_high
  FROM marts.lifecycle_value
  WHERE snapshot_date = $snapshot_date
),
judged AS (
  SELECT
    moves.move,
    moves.from_stage,
    moves.to_stage,
    shares.horizon_days,
    CASE
      WHEN reached.status = 'insufficient data' OR left_as.status = 'insufficient data' THEN 'insufficient data'
      WHEN reached.status = 'ok' AND left_as.status = 'ok' AND shares.from_customers >= 30 THEN 'ok'
      ELSE 'too few'
    END AS status,
    reached.value AS value_with,
    left_as.value AS value_without,
    reached.value - left_as.value AS value_difference,
    sqrt(reached.standard_error * reached.standard_error + left_as.standard_error * left_as.standard_error)
      AS difference_error,
    CASE WHEN moves.move = 'retain' THEN 1 - shares.share ELSE shares.share END AS success_share,
    CASE WHEN moves.move = 'retain' THEN 1 - shares.share_high ELSE shares.share_low END AS success_low,
    CASE WHEN moves.move = 'retain' THEN 1 - shares.share_low ELSE shares.share_high END AS success_high,
    shares.from_customers,
    contacted.contact_worth,
    contacted.contact_worth_low,
    contacted.contact_worth_high
  FROM moves
  JOIN marts.lifecycle_transitions AS shares
    ON shares.snapshot_date = $snapshot_date
    AND shares.from_stage = moves.from_stage
    AND shares.to_stage = moves.to_stage
  JOIN stage_values AS reached ON reached.stage = moves.to_stage
  JOIN stage_values AS left_as ON left_as.stage = moves.without_stage
  JOIN stage_values AS contacted ON contacted.stage = moves.from_stage
)
SELECT
  $snapshot_date AS snapshot_date,
  judged.move,
  judged.from_stage,
  judged.to_stage,
  judged.horizon_days,
  judged.status,
  judged.value_with,
  judged.value_without,
  judged.value_difference,
  judged.difference_error,
  judged.success_share,
  judged.success_low,
  judged.success_high,
  judged.from_customers,
  coalesce(settings.clv_margin, 1.0) AS margin,
  settings.clv_margin IS NOT NULL AS margin_is_set,
  CASE
    WHEN judged.contact_worth IS NOT NULL THEN 'measured'
    WHEN judged.status = 'ok' THEN 'at most'
  END AS cost_basis,
  CASE
    WHEN judged.contact_worth IS NOT NULL THEN judged.contact_worth
    WHEN judged.status = 'ok' THEN judged.value_difference * judged.success_share
  END AS most_to_spend,
  CASE
    WHEN judged.contact_worth IS NOT NULL THEN judged.contact_worth_low
    WHEN judged.status = 'ok' AND judged.value_difference < 0 THEN judged.value_difference * judged.success_high
    WHEN judged.status = 'ok' THEN judged.value_difference * judged.success_low
  END AS most_to_spend_low,
  CASE
    WHEN judged.contact_worth IS NOT NULL THEN judged.contact_worth_high
    WHEN judged.status = 'ok' AND judged.value_difference < 0 THEN judged.value_difference * judged.success_low
    WHEN judged.status = 'ok' THEN judged.value_difference * judged.success_high
  END AS most_to_spend_high
FROM judged
CROSS JOIN params.settings AS settings
