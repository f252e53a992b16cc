/*
description: "What a customer of each stage of the lifecycle is expected to bring: mean predicted value, and how many customers it rests on."
grain: [snapshot_date, stage]
owner: team:crm
columns:
  snapshot_date:      {type: DATE, meaning: The day whose end the row describes}
  stage:              {type: VARCHAR, values: [lead, first-time, active, defecting, inactive], meaning: Stage on the snapshot date}
  status:             {type: VARCHAR, values: [ok, too few, insufficient data, not modelled], meaning: "too few: below 30 customers, no mean; insufficient data: no value is predicted on this day; not modelled: no model values leads"}
  customers:          {type: BIGINT, unit: customers, min: 0, meaning: Customers (or leads) in the stage}
  mean_predicted_clv: {type: DOUBLE, unit: currency, nullable: true, min: 0, meaning: "Mean predicted value of them; holds the margin where one is set"}
  standard_error:     {type: DOUBLE, unit: currency, nullable: true, min: 0, meaning: "Standard error of that mean from the spread among the customers; the error of the model comes on top"}
  contact_worth:      {type: DOUBLE, unit: currency, nullable: true, meaning: "What a contact with a customer of the stage caused, as campaigns of the last 365 days with a control group measured it (marts.campaign_uplift_segments, shrunk) × margin: the most it may cost; null where none did"}
  contact_worth_low:  {type: DOUBLE, unit: currency, nullable: true, meaning: Lower end of its 95 % interval}
  contact_worth_high: {type: DOUBLE, unit: currency, nullable: true, meaning: Upper end of it}
  predicted_clv:      {type: DOUBLE, label: Predicted value, unit: currency, nullable: true, min: 0, meaning: Predicted value of all of them}
tests:
  all_stages_are_there: |
    SELECT count(*) AS stages, sum(customers) AS customers FROM marts.lifecycle_value WHERE snapshot_date = $snapshot_date
    HAVING count(*) <> 5 OR sum(customers) <> (
      SELECT count(*) FROM marts.lifecycle_stages AS stages WHERE stages.snapshot_date = $snapshot_date
    )
*/
WITH catalogue AS (
  SELECT stage FROM (VALUES ('lead'), ('first-time'), ('active'), ('defecting'), ('inactive')) AS stages (stage)
),
found AS (
  SELECT
    stages.stage,
    count(*) AS customers,
    count(clv.predicted_clv) AS valued,
    avg(clv.predicted_clv) AS mean_predicted_clv,
    stddev_samp(clv.predicted_clv) / nullif(sqrt(count(clv.predicted_clv)), 0) AS standard_error,
    sum(clv.predicted_clv) AS predicted_clv
  FROM marts.lifecycle_stages AS stages
  LEFT JOIN marts.clv_predictions AS clv
    ON clv.snapshot_date = $snapshot_date AND clv.customer_id = stages.customer_id
  WHERE stages.snapshot_date = $snapshot_date
  GROUP BY stages.stage
),
caused AS (
  SELECT segment AS stage, shrunk, shrunk_low, shrunk_high
  FROM marts.campaign_uplift_segments
  WHERE snapshot_date = $snapshot_date AND campaign_id = '(all)' AND metric = 'spend' AND dimension = 'lifecycle'
),
judged AS (
  SELECT
    catalogue.stage,
    CASE
      WHEN catalogue.stage = 'lead' THEN 'not modelled'
      WHEN coalesce(found.valued, 0) = 0 AND coalesce(found.customers, 0) > 0 THEN 'insufficient data'
      WHEN coalesce(found.valued, 0) < 30 THEN 'too few'
      ELSE 'ok'
    END AS status,
    coalesce(found.customers, 0) AS customers,
    found.mean_predicted_clv,
    found.standard_error,
    caused.shrunk * coalesce(settings.clv_margin, 1.0) AS contact_worth,
    caused.shrunk_low * coalesce(settings.clv_margin, 1.0) AS contact_worth_low,
    caused.shrunk_high * coalesce(settings.clv_margin, 1.0) AS contact_worth_high,
    found.predicted_clv
  FROM catalogue
  CROSS JOIN params.settings AS settings
  LEFT JOIN found ON found.stage = catalogue.stage
  LEFT JOIN caused ON caused.stage = catalogue.stage
)
SELECT
  $snapshot_date AS snapshot_date,
  stage,
  status,
  customers,
  CASE WHEN status = 'ok' THEN mean_predicted_clv END AS mean_predicted_clv,
  CASE WHEN status = 'ok' THEN standard_error END AS standard_error,
  contact_worth,
  contact_worth_low,
  contact_worth_high,
  predicted_clv
FROM judged
