/*
description: "Which model is published for what on the snapshot date, and why: the champion of its holdouts, or what is taken where the history is too short for one. Empty without enough data."
grain: [snapshot_date, target]
owner: team:data
computed_by: prediction
reads: [marts.lifecycle_months, staging.occasions, staging.order_lines, staging.orders]
columns:
  snapshot_date: {type: DATE, meaning: The day whose end the row describes}
  target:        {type: VARCHAR, meaning: "What is predicted: counts (and value), a purchase within 30 or 90 days, or churn", values: [counts, purchase_30d, purchase_90d, churn]}
  horizon_days:  {type: INTEGER, unit: days, min: 1, meaning: Horizon of the target}
  model:         {type: VARCHAR, meaning: Model that is published}
  timing_model:  {type: VARCHAR, meaning: "The timing model behind it: itself, the one it is blended with, or whose counts boosted trees spread"}
  status:        {type: VARCHAR, meaning: "ok; not_validated: the history is too short for a holdout, or for one of the classifier in a blend; or season_unknown, which comes first: the shop is in season, and a year ago is not known (season_clock)", values: [ok, not_validated, season_unknown]}
  score:         {type: DOUBLE, nullable: true, meaning: "Its figure on the holdout: mean log loss of up to three origins for probabilities, bias in % for counts"}
  reason:        {type: VARCHAR, meaning: Why this model}
*/
