/*
description: "The whole customer in one row: what each other table says of a customer or lead on the day, under one roof for audiences, tools and pages of one person. Nothing is computed here; each column names where it comes from, and is null where that table knows nothing of the customer."
grain: [snapshot_date, customer_id]
owner: team:crm
columns:
  snapshot_date:         {type: DATE, meaning: The day whose end the row describes}
  customer_id:           {type: VARCHAR, meaning: "Customer of the shop, or who has registered there"}
  stage:                 {type: VARCHAR, label: Lifecycle stage, values: [lead, first-time, active, defecting, inactive], meaning: "Stage of the lifecycle (lifecycle_stages)"}
  funnel_stage:          {type: VARCHAR, values: [lead, first purchase, second purchase, regular], meaning: "How far the customer has come, however long ago (lifecycle_stages)"}
  returned:              {type: BOOLEAN, meaning: "Active now after a gap that had reached the defecting limit (lifecycle_stages)"}
  registered_on:         {type: DATE, nullable: true, meaning: "Day of registration; null if nobody knows (lifecycle_stages)"}
  defecting_on:          {type: DATE, nullable: true, meaning: "First day on which the customer is defecting if nothing is bought before: the last purchase and defecting_days (lifecycle_stages); null for a lead"}
  first_purchase_on:     {type: DATE, nullable: true, meaning: "Local day of the first occasion (customer_summary); null for a lead, as are all columns of that table"}
  last_purchase_on:      {type: DATE, nullable: true, meaning: "Local day of the last occasion (customer_summary)"}
  recency_days:          {type: BIGINT, unit: days, nullable: true, min: 0, meaning: "Days from the last occasion to the snapshot date (customer_summary)"}
  median_gap_days:       {type: DOUBLE, unit: days, nullable: true, min: 0, meaning: "Median number of days between occasions (customer_summary); null before the second"}
  orders:                {type: BIGINT, unit: orders, nullable: true, min: 1, meaning: "Orders that stand (customer_summary)"}
  occasions:             {type: BIGINT, unit: occasions, min: 0, meaning: "Days with an order that stands (lifecycle_stages)"}
  revenue:               {type: "DECIMAL(18,2)", unit: currency, nullable: true, meaning: "Net revenue so far, the historic value (customer_summary)"}
  mean_order_value:      {type: DOUBLE, unit: currency, nullable: true, meaning: "Sales and charges per order that stands, before refunds (customer_summary)"}
  revenue_12_months:     {type: "DECIMAL(18,2)", label: "Revenue, 12 months", unit: currency, meaning: "Revenue of the last 365 days (customer_summary), by which customers are put in order where only some can be written to; 0 for a lead"}
  r_score:               {type: INTEGER, nullable: true, min: 1, max: 5, meaning: "Recency score, 5 bought most recently (rfm_scores)"}
  f_score:               {type: INTEGER, nullable: true, min: 1, max: 5, meaning: "Frequency score, 5 bought most often (rfm_scores)"}
  m_score:               {type: INTEGER, nullable: true, min: 1, max: 5, meaning: "Spend score, 5 spent most (rfm_scores)"}
  recency_tier:          {type: VARCHAR, nullable: true, values: [short, medium, long], meaning: "Time since the last occasion in three steps (rfm_scores)"}
  frequency_tier:        {type: VARCHAR, nullable: true, values: [casual, regular, often], meaning: "Occasions in three steps (rfm_scores)"}
  monetary_tier:         {type: VARCHAR, nullable: true, values: [saver, average, spender], meaning: "Net revenue in three steps (rfm_scores)"}
  grid_segment:          {type: VARCHAR, nullable: true, meaning: "Group in the grid of ten (rfm_segments)"}
  grid_since:            {type: DATE, nullable: true, meaning: "First snapshot since which that group is the present one (segment_changes)"}
  axonaut_segment:       {type: VARCHAR, nullable: true, meaning: "Group in Axonaut's seven (rfm_segments)"}
  activity_trend:        {type: VARCHAR, nullable: true, values: [growing, declining, stable, too_new, silent, too_few], meaning: "Whether the customer buys more or less often than before, or why that cannot be told (activity_trend)"}
  prediction_status:     {type: VARCHAR, nullable: true, values: [ok, season_unknown, not_validated, insufficient data], meaning: "How far the predictions of the row hold; insufficient data: there are none (clv_predictions)"}
  predicted_clv:         {type: DOUBLE, label: Predicted value, unit: currency, nullable: true, min: 0, meaning: "Value expected over the horizon of clv (clv_predictions)"}
  clv_low:               {type: DOUBLE, unit: currency, nullable: true, min: 0, meaning: "Lower end of its 80 % interval (clv_predictions)"}
  clv_high:              {type: DOUBLE, unit: currency, nullable: true, min: 0, meaning: "Upper end of it (clv_predictions)"}
  total_clv:             {type: DOUBLE, unit: currency, nullable: true, meaning: "Historic and predicted value (clv_predictions)"}
  p_alive:               {type: DOUBLE, unit: share, nullable: true, min: 0, max: 1, meaning: "Probability of not having dropped out (clv_predictions)"}
  expected_purchases_365d: {type: DOUBLE, unit: occasions, nullable: true, min: 0, meaning: "Expected occasions in the next 365 days (clv_predictions)"}
  expected_spend:        {type: DOUBLE, unit: currency, nullable: true, min: 0, meaning: "Expected value of one occasion (clv_predictions)"}
  next_purchase_from:    {type: DATE, nullable: true, meaning: "Day by which one in ten like this has bought, of those who buy within 365 days (clv_predictions)"}
  next_purchase_median:  {type: DATE, nullable: true, meaning: "Day by which half of them have bought (clv_predictions)"}
  next_purchase_to:      {type: DATE, nullable: true, meaning: "Day by which nine in ten of them have bought (clv_predictions)"}
  p_purchase_30d:        {type: DOUBLE, unit: share, nullable: true, min: 0, max: 1, meaning: "Probability of an occasion in the next 30 days (churn_predictions)"}
  p_purchase_90d:        {type: DOUBLE, unit: share, nullable: true, min: 0, max: 1, meaning: "Probability of an occasion in the next 90 days (churn_predictions)"}
  churn_probability:     {type: DOUBLE, unit: share, nullable: true, min: 0, max: 1, meaning: "Probability of no occasion within churn_horizon_days (churn_predictions)"}
  churn_horizon_days:    {type: INTEGER, unit: days, nullable: true, min: 1, meaning: "The churn horizon of the day (churn_predictions)"}
  discount_band:         {type: VARCHAR, nullable: true, values: [none, low, mid, high], meaning: "Discount to offer at most (discount_bands)"}
  discount_reason:       {type: VARCHAR, nullable: true, meaning: "Why that band (discount_bands)"}
  is_held_out:           {type: BOOLEAN, meaning: "Left alone by every audience, to compare with (control_members, global-v1)"}
  is_premium_alert:      {type: BOOLEAN, meaning: "Of high value and losing interest (premium_alerts)"}
  is_rising:             {type: BOOLEAN, meaning: "Predicted value in the best tenth, historic value not (rising_customers)"}
  engagement_level:      {type: VARCHAR, nullable: true, values: [engaged, lapsing, dormant, never, too_new, unreachable], meaning: "How engaged the customer is with messages and the web shop (engagement)"}
  last_action_on:        {type: DATE, nullable: true, meaning: "Last day on which the customer opened, clicked or visited (engagement)"}
  click_rate:            {type: DOUBLE, unit: share, nullable: true, min: 0, max: 1, meaning: "Expected clicks per delivered message (engagement)"}
  email_consent:         {type: BOOLEAN, nullable: true, meaning: "Whether marketing by e-mail is consented to; null: no consents are told of (engagement)"}
  sms_consent:           {type: BOOLEAN, nullable: true, meaning: "The same by SMS (engagement)"}
  push_consent:          {type: BOOLEAN, nullable: true, meaning: "The same by push (engagement)"}
  best_contact_channel:  {type: VARCHAR, nullable: true, values: [email, sms, push], meaning: "Channel with consent that has the highest expected clicks (engagement)"}
  best_daypart:          {type: INTEGER, nullable: true, min: 0, max: 7, meaning: "Three hours of the day in which the customer is likeliest to come, 0 from midnight to 3 o'clock (send_times)"}
  best_weekday:          {type: INTEGER, nullable: true, min: 0, max: 6, meaning: "Likeliest day of the week, 0 Monday (send_times)"}
  order_channel:         {type: VARCHAR, nullable: true, meaning: "Channel by which the next order is likeliest to come (channel_propensity)"}
  taste_level:           {type: VARCHAR, nullable: true, values: [product, category], meaning: "What tastes are made of (taste_groups)"}
  taste_group:           {type: INTEGER, nullable: true, min: 1, meaning: "Group of customers with like purchases (taste_groups)"}
  next_category:         {type: VARCHAR, nullable: true, meaning: "Likeliest category of the next occasion (next_categories)"}
  next_category_probability: {type: DOUBLE, unit: share, nullable: true, min: 0, max: 1, meaning: "Chance that something of it is bought then, given that there is an occasion (next_categories)"}
  repeat_level:          {type: VARCHAR, nullable: true, values: [product, category], meaning: "Whether repeat_item is a product or a category: products come first (replenishment_due)"}
  repeat_item:           {type: VARCHAR, nullable: true, meaning: "Item that is likeliest to be bought again within 30 days (replenishment_due)"}
  repeat_probability_30d: {type: DOUBLE, unit: share, nullable: true, min: 0, max: 1, meaning: "Chance of that (replenishment_due)"}
  repeat_due_on:         {type: DATE, nullable: true, meaning: "When the customer's mean gap of the item ends; null for who bought it once (replenishment_due)"}
  repeat_product:        {type: VARCHAR, nullable: true, meaning: "First product to show of those bought before (recommendations, list repeat)"}
  new_product:           {type: VARCHAR, nullable: true, meaning: "First product to offer of those never bought (recommendations, list cross_sell)"}
  main_product:          {type: VARCHAR, nullable: true, meaning: "Product mostly bought in the last 365 days; null where there is no main one, as in the next three (attribute_segments)"}
  main_category:         {type: VARCHAR, nullable: true, meaning: "Category mostly bought (attribute_segments)"}
  main_price_band:       {type: VARCHAR, nullable: true, values: ['1', '2', '3'], meaning: "Third of the products of a category by price that is mostly bought, 1 the cheapest (attribute_segments)"}
  main_place:            {type: VARCHAR, nullable: true, meaning: "Store, else region, mostly bought at (attribute_segments)"}
  need_rule:             {type: VARCHAR, nullable: true, meaning: "Rule of need_stages.toml the customer is in; of several, the one whose stage ends first (need_stages)"}
  need_stage:            {type: VARCHAR, nullable: true, meaning: "Stage of it (need_stages)"}
  next_need_stage:       {type: VARCHAR, nullable: true, meaning: "The stage after it; null in the last (need_stages)"}
  next_need_from:        {type: DATE, nullable: true, meaning: "First day of that (need_stages)"}
tests:
  everybody_is_here_once: |
    SELECT stages.customer_id, count(whole.customer_id) AS rows
    FROM marts.lifecycle_stages AS stages
    LEFT JOIN marts.customer_360 AS whole
      ON whole.customer_id = stages.customer_id AND whole.snapshot_date = $snapshot_date
    WHERE stages.snapshot_date = $snapshot_date
    GROUP BY stages.customer_id
    HAVING count(whole.customer_id) <> 1
  who_has_bought_has_scores_and_segments: |
    SELECT customer_id FROM marts.customer_360
    WHERE snapshot_date = $snapshot_date AND (orders IS NULL) <> (stage = 'lead')
      OR snapshot_date = $snapshot_date AND orders IS NOT NULL AND (r_score IS NULL OR grid_segment IS NULL OR axonaut_segment IS NULL)
*/
WITH segments AS (
  SELECT
    customer_id,
    max(segment) FILTER (WHERE catalogue = 'grid') AS grid_segment,
    max(segment) FILTER (WHERE catalogue = 'axonaut') AS axonaut_segment
  FROM marts.rfm_segments
  WHERE snapshot_date = $snapshot_date
  GROUP BY customer_id
),
times AS (
  SELECT
    id AS customer_id,
    max(part) FILTER (WHERE dimension = 'daypart') AS best_daypart,
    max(part) FILTER (WHERE dimension = 'weekday') AS best_weekday
  FROM marts.send_times
  WHERE snapshot_date = $snapshot_date AND scope = 'contact' AND rank = 1
  GROUP BY id
),
repeats AS (
  SELECT
    customer_id,
    level,
    item,
    probability_30d,
    due_on,
    row_number() OVER (
      PARTITION BY customer_id ORDER BY level DESC, coalesce(probability_30d, -1) DESC, purchases DESC, item
    ) AS place
  FROM marts.replenishment_due
  WHERE snapshot_date = $snapshot_date
),
lists AS (
  SELECT
    customer_id,
    max(product_id) FILTER (WHERE list = 'repeat') AS repeat_product,
    max(product_id) FILTER (WHERE list = 'cross_sell') AS new_product
  FROM marts.recommendations
  WHERE snapshot_date = $snapshot_date AND slot = 1
  GROUP BY customer_id
),
mains AS (
  SELECT
    customer_id,
    max(attribute) FILTER (WHERE dimension = 'product') AS main_product,
    max(attribute) FILTER (WHERE dimension = 'category') AS main_category,
    max(attribute) FILTER (WHERE dimension = 'price_band') AS main_price_band,
    max(attribute) FILTER (WHERE dimension = 'place') AS main_place
  FROM marts.attribute_segments
  WHERE snapshot_date = $snapshot_date AND is_main = TRUE
  GROUP BY customer_id
),
needs AS (
  SELECT
    customer_id,
    rule,
    stage,
    next_stage,
    next_from,
    row_number() OVER (PARTITION BY customer_id ORDER BY stage_to, rule) AS place
  FROM marts.need_stages
  WHERE snapshot_date = $snapshot_date
)
SELECT
  $snapshot_date AS snapshot_date,
  stages.customer_id,
  stages.stage,
  stages.funnel_stage,
  stages.returned,
  stages.registered_on,
  summary.last_purchase_on + stages.defecting_days::INTEGER AS defecting_on,
  summary.first_purchase_on,
  summary.last_purchase_on,
  summary.recency_days,
  summary.median_gap_days,
  summary.orders,
  stages.occasions,
  summary.revenue,
  summary.mean_order_value,
  coalesce(summary.revenue_12_months, 0) AS revenue_12_months,
  scores.r_score,
  scores.f_score,
  scores.m_score,
  scores.recency_tier,
  scores.frequency_tier,
  scores.monetary_tier,
  segments.grid_segment,
  changes.changed_on AS grid_since,
  segments.axonaut_segment,
  trends.activity_trend,
  clv.status AS prediction_status,
  clv.predicted_clv,
  clv.clv_low,
  clv.clv_high,
  clv.total_clv,
  clv.p_alive,
  clv.expected_purchases_365d,
  clv.expected_spend,
  clv.next_purchase_from,
  clv.next_purchase_median,
  clv.next_purchase_to,
  churn.p_purchase_30d,
  churn.p_purchase_90d,
  churn.churn_probability,
  churn.churn_horizon_days,
  bands.band AS discount_band,
  bands.reason AS discount_reason,
  held_out.customer_id IS NOT NULL AS is_held_out,
  alerts.customer_id IS NOT NULL AS is_premium_alert,
  rising.customer_id IS NOT NULL AS is_rising,
  engagement.level AS engagement_level,
  engagement.last_action_on,
  engagement.click_rate,
  engagement.email_consent,
  engagement.sms_consent,
  engagement.push_consent,
  engagement.best_contact_channel,
  times.best_daypart,
  times.best_weekday,
  channels.channel AS order_channel,
  tastes.level AS taste_level,
  tastes.group_no AS taste_group,
  categories.category AS next_category,
  categories.probability AS next_category_probability,
  repeats.level AS repeat_level,
  repeats.item AS repeat_item,
  repeats.probability_30d AS repeat_probability_30d,
  repeats.due_on AS repeat_due_on,
  lists.repeat_product,
  lists.new_product,
  mains.main_product,
  mains.main_category,
  mains.main_price_band,
  mains.main_place,
  needs.rule AS need_rule,
  needs.stage AS need_stage,
  needs.next_stage AS next_need_stage,
  needs.next_from AS next_need_from
FROM marts.lifecycle_stages AS stages
LEFT JOIN marts.customer_summary AS summary
  ON summary.snapshot_date = $snapshot_date AND summary.customer_id = stages.customer_id
LEFT JOIN marts.rfm_scores AS scores
  ON scores.snapshot_date = $snapshot_date AND scores.customer_id = stages.customer_id
LEFT JOIN segments ON segments.customer_id = stages.customer_id
LEFT JOIN marts.segment_changes AS changes
  ON changes.snapshot_date = $snapshot_date AND changes.customer_id = stages.customer_id AND changes.catalogue = 'grid'
LEFT JOIN marts.activity_trend AS trends
  ON trends.snapshot_date = $snapshot_date AND trends.customer_id = stages.customer_id
LEFT JOIN marts.clv_predictions AS clv
  ON clv.snapshot_date = $snapshot_date AND clv.customer_id = stages.customer_id
LEFT JOIN marts.churn_predictions AS churn
  ON churn.snapshot_date = $snapshot_date AND churn.customer_id = stages.customer_id
LEFT JOIN marts.discount_bands AS bands
  ON bands.snapshot_date = $snapshot_date AND bands.customer_id = stages.customer_id
LEFT JOIN marts.control_members AS held_out
  ON held_out.snapshot_date = $snapshot_date
  AND held_out.customer_id = stages.customer_id
  AND held_out.audience = 'global-v1'
  AND held_out.member_until IS NULL
LEFT JOIN marts.premium_alerts AS alerts
  ON alerts.snapshot_date = $snapshot_date AND alerts.customer_id = stages.customer_id
LEFT JOIN marts.rising_customers AS rising
  ON rising.snapshot_date = $snapshot_date AND rising.customer_id = stages.customer_id
LEFT JOIN marts.engagement AS engagement
  ON engagement.snapshot_date = $snapshot_date AND engagement.customer_id = stages.customer_id
LEFT JOIN times ON times.customer_id = stages.customer_id
LEFT JOIN marts.channel_propensity AS channels
  ON channels.snapshot_date = $snapshot_date AND channels.customer_id = stages.customer_id AND channels.rank = 1
LEFT JOIN marts.taste_groups AS tastes
  ON tastes.snapshot_date = $snapshot_date AND tastes.customer_id = stages.customer_id
LEFT JOIN marts.next_categories AS categories
  ON categories.snapshot_date = $snapshot_date AND categories.customer_id = stages.customer_id AND categories.rank = 1
LEFT JOIN repeats ON repeats.customer_id = stages.customer_id AND repeats.place = 1
LEFT JOIN lists ON lists.customer_id = stages.customer_id
LEFT JOIN mains ON mains.customer_id = stages.customer_id
LEFT JOIN needs ON needs.customer_id = stages.customer_id AND needs.place = 1
WHERE stages.snapshot_date = $snapshot_date
