/*
description: "How many usual days the days after the snapshot date are worth, by what the same days did a year ago: purchases that came then against those that the model of counts, fitted to the data before them, expected. Wherever a timing model looks ahead it takes the stretched days. Where a year ago is not known a day is a day, and the status says whether the shop seems to be in season. Empty without enough data."
grain: [snapshot_date, horizon_days]
owner: team:data
computed_by: prediction
reads: [marts.lifecycle_months, staging.occasions, staging.order_lines, staging.orders]
columns:
  snapshot_date: {type: DATE, meaning: The day whose end the row describes}
  horizon_days:  {type: INTEGER, unit: days, min: 1, meaning: "Days after the snapshot date; between horizons the stretched days are interpolated", values: [30, 90, 180, 365]}
  status:        {type: VARCHAR, meaning: "ok, or season_unknown: a year ago is not known, and the last 30 days were not usual ones (recent_ratio below 0.8 or above 1.25): what is predicted for the horizon may be far off", values: [ok, season_unknown]}
  factor:        {type: DOUBLE, min: 0.333, max: 3, meaning: "Usual days that a day of the horizon is worth; 1 where it is not known"}
  basis:         {type: VARCHAR, meaning: "Where the factor comes from: a year ago; held at the limit (a year ago, but beyond a third or three times); too few purchases (fewer than 200 in the same days) or too short a history (fewer than 180 days before origin): not known", values: [a year ago, held at the limit, too few purchases, too short a history]}
  origin:        {type: DATE, meaning: "365 days before the snapshot date: the last day that the model of the evidence had seen"}
  model:         {type: VARCHAR, meaning: "Kind of the model: that of counts"}
  expected:      {type: DOUBLE, unit: occasions, nullable: true, min: 0, meaning: "Purchases it expected in so many days after origin, of the customers first seen by then (of a sample of about 100,000 where there are more); null with too short a history"}
  actual:        {type: BIGINT, unit: occasions, nullable: true, min: 0, meaning: "Purchases that came. factor = (actual + 50) / (expected + 50)"}
  recent_ratio:  {type: DOUBLE, min: 0, meaning: "Purchases a day of the last 30 days by those of the last 365, or of all days there are"}
  recent_factor: {type: DOUBLE, nullable: true, min: 0, meaning: "Usual days that a day of the last 30 was worth: the same comparison with a model fitted to the data before them; null where purchases within 30 days could not be tested"}
tests:
  factors_follow_from_the_evidence: |
    SELECT horizon_days, factor, basis, expected, actual
    FROM marts.season_clock
    WHERE snapshot_date = $snapshot_date
      AND (
        (basis = 'a year ago' AND abs(factor - (actual + 50) / nullif(expected + 50, 0)) > 0.00000001)
        OR (basis IN ('too few purchases', 'too short a history') AND factor <> 1.0)
        OR (basis IN ('a year ago', 'held at the limit') AND (status <> 'ok' OR actual < 200))
        OR (basis IN ('too few purchases', 'too short a history') AND (status = 'ok') <> (recent_ratio >= 0.8 AND recent_ratio <= 1.25))
      )
*/
