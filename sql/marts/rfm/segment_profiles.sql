/*
description: "Who is in each segment on the snapshot date: how many, what they are worth, how long ago and how often they ordered, where they stand in the lifecycle. A segment without customers has a row too."
grain: [snapshot_date, catalogue, segment]
owner: team:crm
columns:
  snapshot_date:     {type: DATE, meaning: The day whose end the row describes}
  catalogue:         {type: VARCHAR, values: [grid, axonaut], meaning: Which set of groups}
  segment:           {type: VARCHAR, meaning: Group of the catalogue}
  segment_rank:      {type: INTEGER, min: 1, max: 10, meaning: "Order of the group in its catalogue, 1 is best"}
  label:             {type: VARCHAR, label: Segment, meaning: Name to show}
  claim:             {type: VARCHAR, nullable: true, values: [recent, long ago], meaning: "What name and text of the group say of the last order: recent where its mean recency score is above 3, long ago where it is below; null in the middle"}
  customers:         {type: BIGINT, unit: customers, min: 0, meaning: Customers in the group}
  share_of_customers: {type: DOUBLE, unit: share, nullable: true, min: 0, max: 1, meaning: Their share of all customers; null where there are none}
  revenue_12_months: {type: "DECIMAL(18,2)", unit: currency, meaning: Net revenue of them in the last 365 days}
  share_of_revenue:  {type: DOUBLE, unit: share, nullable: true, meaning: "Its share of that of all customers; null where that is not positive"}
  predicted_clv:     {type: DOUBLE, label: Predicted value, unit: currency, nullable: true, min: 0, meaning: Sum of their predicted values; null where nobody has one}
  valued:            {type: BIGINT, unit: customers, min: 0, meaning: Customers who have a predicted value}
  churn_probability: {type: DOUBLE, unit: share, nullable: true, min: 0, max: 1, meaning: "Mean churn probability of those who have one; null where nobody has"}
  recency_from:      {type: BIGINT, unit: days, nullable: true, min: 0, meaning: Least days since the last order of a customer in it; null without customers}
  recency_median:    {type: DOUBLE, unit: days, nullable: true, min: 0, meaning: Median of these days}
  recency_to:        {type: BIGINT, unit: days, nullable: true, min: 0, meaning: Most of these days}
  occasions_from:    {type: BIGINT, unit: occasions, nullable: true, min: 1, meaning: Fewest days with an order of a customer in it; null without customers}
  occasions_to:      {type: BIGINT, unit: occasions, nullable: true, min: 1, meaning: Most of these days}
  first_time:        {type: BIGINT, unit: customers, min: 0, meaning: "Of them, in the stage first-time of the lifecycle"}
  active:            {type: BIGINT, unit: customers, min: 0, meaning: In the stage active}
  defecting:         {type: BIGINT, unit: customers, min: 0, meaning: In the stage defecting}
  inactive:          {type: BIGINT, unit: customers, min: 0, meaning: In the stage inactive}
tests:
  everybody_is_counted_in_each_catalogue: |
    SELECT catalogue, sum(customers) AS customers
    FROM marts.segment_profiles
    WHERE snapshot_date = $snapshot_date
    GROUP BY catalogue
    HAVING sum(customers) <> (SELECT count(*) FROM marts.rfm_scores WHERE snapshot_date = $snapshot_date)
  stages_make_up_the_segment: |
    SELECT catalogue, segment FROM marts.segment_profiles
    WHERE snapshot_date = $snapshot_date AND first_time + active + defecting + inactive <> customers
*/
WITH described AS (
  SELECT
    catalogue,
    segment,
    segment_rank,
    label,
    CASE WHEN sum(r_score) > 3 * count(*) THEN 'recent' WHEN sum(r_score) < 3 * count(*) THEN 'long ago' END AS claim
  FROM marts.segment_catalogue
  WHERE snapshot_date = $snapshot_date
  GROUP BY catalogue, segment, segment_rank, label
),
members AS (
  SELECT
    segments.catalogue,
    segments.segment,
    count(*) AS customers,
    sum(summary.revenue_12_months)::DECIMAL(18,2) AS revenue_12_months,
    sum(clv.predicted_clv) AS predicted_clv,
    count(clv.predicted_clv) AS valued,
    avg(churn.churn_probability) AS churn_probability,
    min(summary.recency_days) AS recency_from,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY summary.recency_days) AS recency_median,
    max(summary.recency_days) AS recency_to,
    min(summary.occasions) AS occasions_from,
    max(summary.occasions) AS occasions_to,
    count(*) FILTER (WHERE stages.stage = 'first-time') AS first_time,
    count(*) FILTER (WHERE stages.stage = 'active') AS active,
    count(*) FILTER (WHERE stages.stage = 'defecting') AS defecting,
    count(*) FILTER (WHERE stages.stage = 'inactive') AS inactive
  FROM marts.rfm_segments AS segments
  JOIN marts.customer_summary AS summary
    ON summary.snapshot_date = segments.snapshot_date AND summary.customer_id = segments.customer_id
  LEFT JOIN marts.lifecycle_stages AS stages
    ON stages.snapshot_date = segments.snapshot_date AND stages.customer_id = segments.customer_id
  LEFT JOIN marts.clv_predictions AS clv
    ON clv.snapshot_date = segments.snapshot_date AND clv.customer_id = segments.customer_id
  LEFT JOIN marts.churn_predictions AS churn
    ON churn.snapshot_date = segments.snapshot_date AND churn.customer_id = segments.customer_id
  WHERE segments.snapshot_date = $snapshot_date
  GROUP BY segments.catalogue, segments.segment
),
totals AS (
  SELECT count(*) AS customers, sum(revenue_12_months) AS revenue_12_months
  FROM marts.customer_summary
  WHERE snapshot_date = $snapshot_date
)
SELECT
  $snapshot_date AS snapshot_date,
  described.catalogue,
  described.segment,
  described.segment_rank,
  described.label,
  described.claim,
  coalesce(members.customers, 0) AS customers,
  coalesce(members.customers, 0)::DOUBLE / nullif(totals.customers, 0) AS share_of_customers,
  coalesce(members.revenue_12_months, 0)::DECIMAL(18,2) AS revenue_12_months,
  CASE
    WHEN totals.revenue_12_months > 0
      THEN coalesce(members.revenue_12_months, 0)::DOUBLE / nullif(totals.revenue_12_months::DOUBLE, 0)
  END AS share_of_revenue,
  members.predicted_clv,
  coalesce(members.valued, 0) AS valued,
  members.churn_probability,
  members.recency_from,
  members.recency_median,
  members.recency_to,
  members.occasions_from,
  members.occasions_to,
  coalesce(members.first_time, 0) AS first_time,
  coalesce(members.active, 0) AS active,
  coalesce(members.defecting, 0) AS defecting,
  coalesce(members.inactive, 0) AS inactive
FROM described
CROSS JOIN totals
LEFT JOIN members ON members.catalogue = described.catalogue AND members.segment = described.segment
