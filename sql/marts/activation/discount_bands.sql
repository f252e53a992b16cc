/*
description: "Which discount each customer should be offered at most: none, low, mid or high, by rules over the chance to buy and to leave, bounded by margin and budget. Nothing here is measured (basis): the rules say who might need a discount, not who would buy because of it. To find out, leave some without one by lot (discounts.control_share) and read marts.campaign_uplift. Prices that are personalised automatically must be disclosed as such to consumers in the European Union."
grain: [snapshot_date, customer_id]
owner: team:crm
columns:
  snapshot_date: {type: DATE, meaning: The day whose end the row describes}
  customer_id:   {type: VARCHAR, meaning: Customer of the shop}
  band:          {type: VARCHAR, values: [none, low, mid, high], meaning: Band to offer at most}
  discount:      {type: DOUBLE, unit: share, min: 0, max: 1, meaning: "Discount of the band as a share of the price (discounts.low, mid, high); 0 for none"}
  reason:
    type: VARCHAR
    values: [not_predicted, buys_anyway, stays_anyway, may_leave, likely_to_leave, leaving_valuable, leaving, margin_floor, control, over_budget]
    meaning: "Why this band. not_predicted: no chances are known; none. buys_anyway: more than 50 % to buy within 30 days; none. stays_anyway: up to 25 % to leave within the churn horizon; none. may_leave: up to 50 %; low. likely_to_leave: up to 75 %; mid. leaving_valuable: more, and predicted value of at least the median; high. leaving: more, and less; low. margin_floor: the band that the rules want leaves too little margin; the largest that does not. control: none, by lot. over_budget: none, because the budget goes to customers with more revenue of 12 months"
  rule_band:     {type: VARCHAR, values: [none, low, mid, high], meaning: "Band that the rules want, before margin, lot and budget"}
  is_control:    {type: BOOLEAN, meaning: "Whether the customer gets no discount by lot: of discounts-v1, or as one whom every audience leaves alone (control_members)"}
  revenue_12_months: {type: "DECIMAL(18,2)", label: "Revenue, 12 months", unit: currency, meaning: Revenue of the last 365 days}
  expected_cost: {type: DOUBLE, unit: currency, min: 0, meaning: "discount × expected spend of one occasion × probability of one within 90 days; all who buy with it count, also who would have bought anyway"}
  margin_after:  {type: DOUBLE, unit: share, nullable: true, meaning: "clv.margin − discount; null where no margin is set, and then no floor holds"}
  basis:         {type: VARCHAR, values: [rule], meaning: "What the band rests on. rule: rules, no measurement; what a depth of discount causes is not in the data (docs/definitions.md)"}
tests:
  budget_is_kept: |
    SELECT sum(bands.expected_cost) AS cost
    FROM marts.discount_bands AS bands
    CROSS JOIN params.settings AS settings
    WHERE bands.snapshot_date = $snapshot_date
    HAVING sum(bands.expected_cost) > max(settings.discount_budget) * 1.000001
  controls_get_none: |
    SELECT customer_id FROM marts.discount_bands
    WHERE snapshot_date = $snapshot_date AND (is_control = TRUE AND band <> 'none' OR (band = 'none') <> (discount = 0))
*/
WITH middle AS (
  SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY predicted_clv::DOUBLE) AS predicted_clv
  FROM marts.clv_predictions
  WHERE snapshot_date = $snapshot_date AND predicted_clv IS NOT NULL
),
controls AS (
  SELECT DISTINCT customer_id
  FROM marts.control_members
  WHERE snapshot_date = $snapshot_date AND member_until IS NULL AND audience IN ('discounts-v1', 'global-v1')
),
ruled AS (
  SELECT
    summary.customer_id,
    summary.revenue_12_months,
    coalesce(clv.expected_spend * churn.p_purchase_90d, 0) AS expected_sales,
    controls.customer_id IS NOT NULL AS is_control,
    CASE
      WHEN churn.churn_band IS NULL OR clv.predicted_clv IS NULL THEN 'not_predicted'
      WHEN churn.purchase_band IN ('51-75', '76-100') THEN 'buys_anyway'
      WHEN churn.churn_band = '0-25' THEN 'stays_anyway'
      WHEN churn.churn_band = '26-50' THEN 'may_leave'
      WHEN churn.churn_band = '51-75' THEN 'likely_to_leave'
      WHEN clv.predicted_clv >= middle.predicted_clv THEN 'leaving_valuable'
      ELSE 'leaving'
    END AS rule
  FROM marts.customer_summary AS summary
  CROSS JOIN middle
  LEFT JOIN marts.churn_predictions AS churn
    ON churn.snapshot_date = $snapshot_date AND churn.customer_id = summary.customer_id
  LEFT JOIN marts.clv_predictions AS clv
    ON clv.snapshot_date = $snapshot_date AND clv.customer_id = summary.customer_id
  LEFT JOIN controls ON controls.customer_id = summary.customer_id
  WHERE summary.snapshot_date = $snapshot_date
),
wanted AS (
  SELECT
    customer_id,
    revenue_12_months,
    expected_sales,
    is_control,
    rule,
    CASE
      WHEN rule IN ('may_leave', 'leaving') THEN 1
      WHEN rule = 'likely_to_leave' THEN 2
      WHEN rule = 'leaving_valuable' THEN 3
      ELSE 0
    END AS step
  FROM ruled
),
affordable AS (
  SELECT
    clv_margin,
    discount_budget,
    discount_low,
    discount_mid,
    discount_high,
    CASE
      WHEN clv_margin IS NULL OR clv_margin - discount_high >= discount_margin_floor - 0.000000001 THEN 3
      WHEN clv_margin - discount_mid >= discount_margin_floor - 0.000000001 THEN 2
      WHEN clv_margin - discount_low >= discount_margin_floor - 0.000000001 THEN 1
      ELSE 0
    END AS highest
  FROM params.settings
),
bounded AS (
  SELECT
    wanted.customer_id,
    wanted.revenue_12_months,
    wanted.expected_sales,
    wanted.is_control,
    wanted.rule,
    wanted.step AS rule_step,
    CASE WHEN wanted.is_control = TRUE THEN 0 ELSE least(wanted.step, affordable.highest) END AS step,
    affordable.clv_margin,
    affordable.discount_budget,
    affordable.discount_low,
    affordable.discount_mid,
    affordable.discount_high
  FROM wanted
  CROSS JOIN affordable
),
priced AS (
  SELECT
    customer_id,
    revenue_12_months,
    expected_sales,
    is_control,
    rule,
    rule_step,
    step,
    clv_margin,
    discount_budget,
    CASE step WHEN 3 THEN discount_high WHEN 2 THEN discount_mid WHEN 1 THEN discount_low ELSE 0 END AS discount
  FROM bounded
),
summed AS (
  SELECT
    customer_id,
    revenue_12_months,
    expected_sales,
    is_control,
    rule,
    rule_step,
    step,
    clv_margin,
    discount,
    step > 0 AND coalesce(
      sum(expected_sales * discount) OVER (
        ORDER BY revenue_12_months DESC, customer_id ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
      ) > discount_budget,
      FALSE
    ) AS is_over
  FROM priced
)
SELECT
  $snapshot_date AS snapshot_date,
  customer_id,
  CASE WHEN is_over = TRUE THEN 'none' ELSE CASE step WHEN 3 THEN 'high' WHEN 2 THEN 'mid' WHEN 1 THEN 'low' ELSE 'none' END END AS band,
  CASE WHEN is_over = TRUE THEN 0 ELSE discount END AS discount,
  CASE
    WHEN rule_step > 0 AND is_control = TRUE THEN 'control'
    WHEN is_over = TRUE THEN 'over_budget'
    WHEN step < rule_step THEN 'margin_floor'
    ELSE rule
  END AS reason,
  CASE rule_step WHEN 3 THEN 'high' WHEN 2 THEN 'mid' WHEN 1 THEN 'low' ELSE 'none' END AS rule_band,
  is_control,
  revenue_12_months,
  CASE WHEN is_over = TRUE THEN 0 ELSE expected_sales * discount END AS expected_cost,
  clv_margin - CASE WHEN is_over = TRUE THEN 0 ELSE discount END AS margin_after,
  'rule' AS basis
FROM summed
