/*
description: "Which discount each customer should be offered at most: none, low, mid or high, bounded by margin and budget. By rules over the chance to buy and to leave, which say who might need a discount and not who would buy because of it, until a campaign with customers left alone by lot (discounts.control_share) has measured a depth; then by what it caused among customers of the same stage × margin − what the discount costs (basis). Prices that are personalised automatically must be disclosed as such to consumers in the European Union."
grain: [snapshot_date, customer_id]
owner: team:crm
columns:
  snapshot_date: {type: DATE, meaning: The day whose end the row describes}
  customer_id:   {type: VARCHAR, meaning: Customer of the shop}
  band:          {type: VARCHAR, values: [none, low, mid, high], meaning: Band to offer at most}
  discount:      {type: DOUBLE, unit: share, min: 0, max: 1, meaning: "Discount of the band as a share of the price (discounts.low, mid, high); 0 for none"}
  reason:
    type: VARCHAR
    values: [not_predicted, buys_anyway, stays_anyway, may_leave, likely_to_leave, leaving_valuable, leaving, measured_gain, no_gain_shown, margin_floor, control, over_budget]
    meaning: "Why this band. Of basis measured: measured_gain: the depth with the largest gain whose interval lies above 0; no_gain_shown: none, as no depth that was measured has one. Of basis rule: not_predicted: no chances are known; none. buys_anyway: more than 50 % to buy within 30 days; none. stays_anyway: up to 25 % to leave within the churn horizon; none. may_leave: up to 50 %; low. likely_to_leave: up to 75 %; mid. leaving_valuable: more, and predicted value of at least the median; high. leaving: more, and less; low. Of both: margin_floor: the band that is wanted leaves too little margin; the largest that does not. control: none, by lot. over_budget: none, because the budget goes to customers with more revenue of 12 months"
  rule_band:     {type: VARCHAR, values: [none, low, mid, high], meaning: "Band that the rules want, before margin, lot and budget"}
  is_control:    {type: BOOLEAN, meaning: "Whether the customer gets no discount by lot: of discounts-v1, or as one whom every audience leaves alone (control_members)"}
  revenue_12_months: {type: "DECIMAL(18,2)", label: "Revenue, 12 months", unit: currency, meaning: Revenue of the last 365 days}
  expected_cost: {type: DOUBLE, unit: currency, min: 0, meaning: "discount × expected spend of one occasion × probability of one within 90 days; all who buy with it count, also who would have bought anyway"}
  margin_after:  {type: DOUBLE, unit: share, nullable: true, meaning: "clv.margin − discount; null where no margin is set, and then no floor holds"}
  basis:         {type: VARCHAR, values: [rule, measured], meaning: "What the band rests on. rule: rules, no measurement. measured: what campaigns with discounts-v1 caused, of which discount_share is that of a band; where clv.margin is set (docs/definitions.md)"}
  measured_gain: {type: DOUBLE, unit: currency, nullable: true, meaning: "Of a band that was measured: what one such offer gains per customer of the stage, uplift × margin − cost of the discount, in the window of the campaign"}
  measured_gain_low: {type: DOUBLE, unit: currency, nullable: true, meaning: "Lower end of its 95 % interval; always above 0"}
  measured_by:   {type: VARCHAR, nullable: true, meaning: "Campaign that measured it"}
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
  what_is_offered_by_measurement_gains: |
    SELECT customer_id FROM marts.discount_bands
    WHERE snapshot_date = $snapshot_date AND (basis = 'measured' AND band <> 'none') <> (coalesce(measured_gain_low, 0) > 0)
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
offers AS (
  SELECT
    campaigns.campaign_id,
    campaigns.sent_on,
    campaigns.discount_share,
    affordable.clv_margin,
    affordable.highest,
    CASE
      WHEN abs(campaigns.discount_share - affordable.discount_low) < 0.000000001 THEN 1
      WHEN abs(campaigns.discount_share - affordable.discount_mid) < 0.000000001 THEN 2
      WHEN abs(campaigns.discount_share - affordable.discount_high) < 0.000000001 THEN 3
    END AS step
  FROM staging.campaigns AS campaigns
  CROSS JOIN affordable
  JOIN marts.campaign_uplift AS uplift
    ON uplift.snapshot_date = $snapshot_date AND uplift.campaign_id = campaigns.campaign_id AND uplift.metric = 'spend'
  WHERE campaigns.audience = 'discounts-v1'
    AND campaigns.discount_share > 0
    AND date_diff('day', campaigns.sent_on, $snapshot_date) BETWEEN 0 AND 364
    AND affordable.clv_margin IS NOT NULL
    AND uplift.status = 'known'
    AND uplift.sample_ratio = 'passed'
    AND uplift.quality = 'reliable'
),
latest AS (
  SELECT
    campaign_id,
    discount_share,
    clv_margin,
    highest,
    step,
    row_number() OVER (PARTITION BY step ORDER BY sent_on DESC, campaign_id) AS place
  FROM offers
  WHERE step IS NOT NULL
),
stages AS (
  SELECT DISTINCT stage
  FROM marts.lifecycle_stages
  WHERE snapshot_date = $snapshot_date
),
-- A stage without a row of its own is not measured: that of "other" may be of other stages.
effects AS (
  SELECT
    stages.stage,
    latest.campaign_id,
    latest.step,
    latest.highest,
    latest.clv_margin,
    (1 - latest.clv_margin) * greatest(own.treated_mean, 0)
      * latest.discount_share::DOUBLE / nullif(1 - latest.discount_share, 0) AS cost,
    own.shrunk AS effect,
    own.shrunk_low AS effect_low
  FROM stages
  CROSS JOIN latest
  JOIN marts.campaign_uplift_segments AS own
    ON own.snapshot_date = $snapshot_date
    AND own.campaign_id = latest.campaign_id
    AND own.metric = 'spend'
    AND own.dimension = 'lifecycle'
    AND own.segment = stages.stage
  WHERE latest.place = 1
),
gains AS (
  SELECT
    stage,
    campaign_id,
    step,
    highest,
    clv_margin * effect - cost AS gain,
    clv_margin * effect_low - cost AS gain_low
  FROM effects
  WHERE effect IS NOT NULL AND cost IS NOT NULL
),
ranked AS (
  SELECT
    stage,
    campaign_id,
    step,
    gain,
    gain_low,
    row_number() OVER (PARTITION BY stage ORDER BY CASE WHEN gain_low > 0 THEN 0 ELSE 1 END, gain DESC, step) AS place,
    row_number() OVER (
      PARTITION BY stage ORDER BY CASE WHEN gain_low > 0 AND step <= highest THEN 0 ELSE 1 END, gain DESC, step
    ) AS affordable_place,
    gain_low > 0 AS is_shown,
    gain_low > 0 AND step <= highest AS is_affordable
  FROM gains
),
measured AS (
  SELECT
    stage,
    max(CASE WHEN step = 1 THEN 1 ELSE 0 END) AS measured_low,
    max(CASE WHEN step = 2 THEN 1 ELSE 0 END) AS measured_mid,
    max(CASE WHEN step = 3 THEN 1 ELSE 0 END) AS measured_high,
    max(CASE WHEN place = 1 AND is_shown = TRUE THEN step ELSE 0 END) AS wanted_step,
    max(CASE WHEN affordable_place = 1 AND is_affordable = TRUE THEN step ELSE 0 END) AS best_step,
    max(CASE WHEN affordable_place = 1 AND is_affordable = TRUE THEN gain END) AS gain,
    max(CASE WHEN affordable_place = 1 AND is_affordable = TRUE THEN gain_low END) AS gain_low,
    max(CASE WHEN affordable_place = 1 AND is_affordable = TRUE THEN campaign_id END) AS campaign_id
  FROM ranked
  GROUP BY stage
),
ruled AS (
  SELECT
    summary.customer_id,
    stages.stage,
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
  LEFT JOIN marts.lifecycle_stages AS stages
    ON stages.snapshot_date = $snapshot_date AND stages.customer_id = summary.customer_id
  WHERE summary.snapshot_date = $snapshot_date
),
stepped AS (
  SELECT
    customer_id,
    stage,
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
told AS (
  SELECT
    stepped.customer_id,
    stepped.revenue_12_months,
    stepped.expected_sales,
    stepped.is_control,
    stepped.rule,
    stepped.step AS rule_step,
    measured.wanted_step,
    measured.best_step,
    measured.gain,
    measured.gain_low,
    measured.campaign_id,
    -- a depth that the rules want and nobody has measured stays a rule
    measured.stage IS NOT NULL
      AND stepped.rule <> 'not_predicted'
      AND CASE stepped.step
        WHEN 3 THEN measured.measured_high
        WHEN 2 THEN measured.measured_mid
        WHEN 1 THEN measured.measured_low
        ELSE 1
      END = 1 AS is_measured
  FROM stepped
  LEFT JOIN measured ON measured.stage = stepped.stage
),
wanted AS (
  SELECT
    customer_id,
    revenue_12_months,
    expected_sales,
    is_control,
    rule_step,
    is_measured,
    gain,
    gain_low,
    campaign_id,
    CASE WHEN is_measured = FALSE THEN rule WHEN wanted_step > 0 THEN 'measured_gain' ELSE 'no_gain_shown' END AS reason,
    CASE WHEN is_measured = TRUE THEN wanted_step ELSE rule_step END AS wanted_step,
    CASE WHEN is_measured = TRUE THEN best_step ELSE rule_step END AS best_step
  FROM told
),
bounded AS (
  SELECT
    wanted.customer_id,
    wanted.revenue_12_months,
    wanted.expected_sales,
    wanted.is_control,
    wanted.rule_step,
    wanted.wanted_step,
    wanted.reason,
    wanted.is_measured,
    wanted.gain,
    wanted.gain_low,
    wanted.campaign_id,
    CASE WHEN wanted.is_control = TRUE THEN 0 ELSE least(wanted.best_step, affordable.highest) END AS step,
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
    rule_step,
    wanted_step,
    reason,
    is_measured,
    gain,
    gain_low,
    campaign_id,
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
    rule_step,
    wanted_step,
    reason,
    is_measured,
    gain,
    gain_low,
    campaign_id,
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
),
offered AS (
  SELECT
    customer_id,
    revenue_12_months,
    expected_sales,
    is_control,
    rule_step,
    wanted_step,
    reason,
    is_measured,
    gain,
    gain_low,
    campaign_id,
    step,
    clv_margin,
    is_over,
    CASE WHEN is_over = TRUE THEN 0 ELSE step END AS offered_step,
    CASE WHEN is_over = TRUE THEN 0 ELSE discount END AS discount
  FROM summed
)
SELECT
  $snapshot_date AS snapshot_date,
  customer_id,
  CASE offered_step WHEN 3 THEN 'high' WHEN 2 THEN 'mid' WHEN 1 THEN 'low' ELSE 'none' END AS band,
  discount,
  CASE
    WHEN wanted_step > 0 AND is_control = TRUE THEN 'control'
    WHEN is_over = TRUE THEN 'over_budget'
    WHEN step < wanted_step THEN 'margin_floor'
    ELSE reason
  END AS reason,
  CASE rule_step WHEN 3 THEN 'high' WHEN 2 THEN 'mid' WHEN 1 THEN 'low' ELSE 'none' END AS rule_band,
  is_control,
  revenue_12_months,
  expected_sales * discount AS expected_cost,
  clv_margin - discount AS margin_after,
  CASE WHEN is_measured = TRUE THEN 'measured' ELSE 'rule' END AS basis,
  CASE WHEN is_measured = TRUE AND offered_step > 0 THEN gain END AS measured_gain,
  CASE WHEN is_measured = TRUE AND offered_step > 0 THEN gain_low END AS measured_gain_low,
  CASE WHEN is_measured = TRUE AND offered_step > 0 THEN campaign_id END AS measured_by
FROM offered
