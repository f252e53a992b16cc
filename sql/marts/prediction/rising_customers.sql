/*
description: "Key customers of tomorrow: predicted value in the top tenth, historic value not."
grain: [snapshot_date, customer_id]
owner: team:crm
columns:
  snapshot_date:      {type: DATE, meaning: The day whose end the row describes}
  customer_id:        {type: VARCHAR, meaning: Customer of the shop}
  predicted_clv:      {type: DOUBLE, label: Predicted value, unit: currency, min: 0, meaning: Predicted value}
  historic_clv:       {type: "DECIMAL(18,2)", unit: currency, meaning: Net revenue so far}
  predicted_rank:     {type: BIGINT, min: 1, meaning: "Place by predicted value, 1 is highest"}
  historic_rank:      {type: BIGINT, min: 1, meaning: "Place by historic value, 1 is highest"}
  customers:          {type: BIGINT, unit: customers, min: 1, meaning: Customers ranked}
*/
WITH ranked AS (
  SELECT
    customer_id,
    predicted_clv,
    historic_clv,
    rank() OVER (ORDER BY predicted_clv DESC) AS predicted_rank,
    rank() OVER (ORDER BY historic_clv DESC) AS historic_rank,
    count(*) OVER (PARTITION BY snapshot_date) AS customers
  FROM marts.clv_predictions
  WHERE snapshot_date = $snapshot_date AND predicted_clv IS NOT NULL
)
SELECT $snapshot_date AS snapshot_date, customer_id, predicted_clv, historic_clv, predicted_rank, historic_rank, customers
FROM ranked
WHERE 10 * predicted_rank <= customers AND 10 * historic_rank > customers
