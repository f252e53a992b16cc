/*
description: "Probabilities of every customer where the classifier is champion, alone or blended with the best timing model; empty on days without such a champion."
grain: [snapshot_date, customer_id]
owner: team:data
computed_by: prediction
reads: [staging.occasions, staging.order_lines, staging.orders]
columns:
  snapshot_date:    {type: DATE, meaning: The day whose end the row describes}
  customer_id:      {type: VARCHAR, meaning: Customer of the shop}
  p_purchase_30d:   {type: DOUBLE, nullable: true, min: 0, max: 1, meaning: "Probability of an occasion in the next 30 days; null where a timing model is better"}
  p_purchase_churn: {type: DOUBLE, nullable: true, min: 0, max: 1, meaning: "Probability of an occasion within the churn horizon; null where a timing model is better"}
*/
