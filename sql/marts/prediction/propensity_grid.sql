/*
description: "Purchase in 30 days × churn, in bands: how many customers, what they are worth, what is at risk. All 16 cells; some cannot fill and say so: who buys in 30 days buys within a longer churn horizon, and who buys within a shorter one buys in 30 days."
grain: [snapshot_date, purchase_band, churn_band]
owner: team:crm
columns:
  snapshot_date:      {type: DATE, meaning: The day whose end the row describes}
  purchase_band:      {type: VARCHAR, values: [0-25, 26-50, 51-75, 76-100], meaning: Band of the probability to buy in 30 days in %}
  churn_band:         {type: VARCHAR, values: [0-25, 26-50, 51-75, 76-100], meaning: Band of the probability not to buy within churn_horizon_days in %}
  churn_horizon_days: {type: INTEGER, unit: days, nullable: true, min: 1, meaning: "The churn horizon of the day, as chosen or set (churn_horizons); null without predictions"}
  is_possible:        {type: BOOLEAN, meaning: "Whether the cell can fill: who buys in 30 days with probability p churns with at most 1 − p where the churn horizon is longer, with 1 − p where it is the same, and with at least 1 − p where it is shorter"}
  customers:          {type: BIGINT, unit: customers, min: 0, meaning: Customers in the cell}
  predicted_clv:      {type: DOUBLE, label: Predicted value, unit: currency, nullable: true, min: 0, meaning: Sum of their predicted value}
  revenue_at_risk:    {type: DOUBLE, unit: currency, nullable: true, meaning: "Sum of churn probability × revenue of the last 365 days"}
tests:
  every_scored_customer_is_in_one_cell: |
    SELECT sum(customers) AS customers
    FROM marts.propensity_grid
    WHERE snapshot_date = $snapshot_date
    HAVING coalesce(sum(customers), 0) <> (
      SELECT count(*) FROM marts.churn_predictions WHERE snapshot_date = $snapshot_date AND purchase_band IS NOT NULL
    )
*/
WITH bands AS (
  SELECT band, lowest, highest
  FROM (VALUES ('0-25', 0.0, 0.25), ('26-50', 0.25, 0.5), ('51-75', 0.5, 0.75), ('76-100', 0.75, 1.0)) AS listed (band, lowest, highest)
),
cells AS (
  SELECT
    churn.purchase_band,
    churn.churn_band,
    count(*) AS customers,
    sum(clv.predicted_clv) AS predicted_clv,
    sum(churn.churn_probability * summary.revenue_12_months::DOUBLE) AS revenue_at_risk
  FROM marts.churn_predictions AS churn
  JOIN marts.clv_predictions AS clv
    ON clv.snapshot_date = churn.snapshot_date AND clv.customer_id = churn.customer_id
  JOIN marts.customer_summary AS summary
    ON summary.snapshot_date = churn.snapshot_date AND summary.customer_id = churn.customer_id
  WHERE churn.snapshot_date = $snapshot_date AND churn.purchase_band IS NOT NULL
  GROUP BY churn.purchase_band, churn.churn_band
),
horizon AS (
  SELECT max(horizon_days) AS days FROM marts.champions WHERE snapshot_date = $snapshot_date AND target = 'churn'
)
SELECT
  $snapshot_date AS snapshot_date,
  purchase.band AS purchase_band,
  churn.band AS churn_band,
  horizon.days AS churn_horizon_days,
  CASE
    WHEN horizon.days < 30 THEN purchase.highest + churn.highest >= 1.0
    WHEN horizon.days = 30 THEN purchase.lowest + churn.lowest < 1.0 AND purchase.highest + churn.highest >= 1.0
    ELSE purchase.lowest + churn.lowest < 1.0
  END AS is_possible,
  coalesce(cells.customers, 0) AS customers,
  cells.predicted_clv,
  cells.revenue_at_risk
FROM bands AS purchase
CROSS JOIN bands AS churn
CROSS JOIN horizon
LEFT JOIN cells ON cells.purchase_band = purchase.band AND cells.churn_band = churn.band
