/*
description: "What the models may know of a customer at the end of a day: rhythm, spend, refunds, channels and categories up to it, and nothing later. A query for any day, not a table: the models ask for the snapshot date and for the origins they are tested at."
grain: [snapshot_date, customer_id]
owner: team:data
columns:
  snapshot_date:      {type: DATE, meaning: The day whose end the row describes}
  customer_id:        {type: VARCHAR, meaning: Customer of the shop}
  frequency:          {type: BIGINT, unit: occasions, min: 0, meaning: "Repeat occasions: x of the models"}
  active_span_days:   {type: BIGINT, unit: days, min: 0, meaning: "Days from the first to the last occasion: t_x"}
  age_days:           {type: BIGINT, unit: days, min: 0, meaning: "Days from the first occasion to the day: T"}
  recency_days:       {type: BIGINT, unit: days, min: 0, meaning: Days from the last occasion to the day}
  monetary_value:     {type: DOUBLE, unit: currency, nullable: true, min: 0, meaning: "Mean value of repeat occasions before refunds; null without a repeat occasion of positive mean"}
  orders:             {type: BIGINT, unit: orders, min: 1, meaning: Orders that stand}
  mean_gap_days:      {type: DOUBLE, unit: days, nullable: true, min: 0, meaning: Mean number of days between occasions}
  longest_gap_days:   {type: BIGINT, unit: days, nullable: true, min: 0, meaning: Longest number of days between occasions}
  last_gap_days:      {type: BIGINT, unit: days, nullable: true, min: 0, meaning: Days between the last two occasions}
  median_gap_days:    {type: DOUBLE, unit: days, nullable: true, min: 0, meaning: Median number of days between occasions}
  recent_gaps_days:   {type: DOUBLE, unit: days, nullable: true, min: 0, meaning: "Mean of the last three numbers of days between occasions, or of as many as there are"}
  gap_spread_days:    {type: DOUBLE, unit: days, nullable: true, min: 0, meaning: "Standard deviation of the days between occasions; null with fewer than two gaps"}
  gap_irregularity:   {type: DOUBLE, nullable: true, min: 0, meaning: "That spread by the mean gap: 0 is clockwork, 1 is chance"}
  silence_by_mean_gap:   {type: DOUBLE, unit: gaps, nullable: true, min: 0, meaning: "Days since the last occasion by the customer's own mean gap"}
  silence_by_median_gap: {type: DOUBLE, unit: gaps, nullable: true, min: 0, meaning: "Days since the last occasion by the customer's own median gap"}
  occasions_7_days:   {type: BIGINT, unit: occasions, min: 0, meaning: Occasions of the last 7 days}
  occasions_14_days:  {type: BIGINT, unit: occasions, min: 0, meaning: Occasions of the last 14 days}
  occasions_30_days:  {type: BIGINT, unit: occasions, min: 0, meaning: Occasions of the last 30 days}
  occasions_60_days:  {type: BIGINT, unit: occasions, min: 0, meaning: Occasions of the last 60 days}
  occasions_90_days:  {type: BIGINT, unit: occasions, min: 0, meaning: Occasions of the last 90 days}
  occasions_180_days: {type: BIGINT, unit: occasions, min: 0, meaning: Occasions of the last 180 days}
  occasions_365_days: {type: BIGINT, unit: occasions, min: 0, meaning: Occasions of the last 365 days}
  occasions_season:   {type: BIGINT, unit: occasions, min: 0, meaning: "Occasions in the 30 days that follow this day of the year, a year ago"}
  first_amount:       {type: DOUBLE, unit: currency, meaning: Value of the first occasion}
  last_amount:        {type: DOUBLE, unit: currency, meaning: Value of the last occasion}
  mean_amount:        {type: DOUBLE, unit: currency, meaning: Mean value of an occasion}
  refunded_amount:    {type: DOUBLE, unit: currency, meaning: "Money given back of orders that stand, and by credit notes under an id of their own, as a positive number; not of void orders (staging.orders)"}
  refunded_share:     {type: DOUBLE, unit: share, nullable: true, meaning: "That by the sales and charges of the orders that are not void; null where money was given back and they are not above 0"}
  categories:         {type: BIGINT, unit: categories, nullable: true, min: 1, meaning: "Categories of products bought in orders that are not void; null where no category is named"}
  main_category_share: {type: DOUBLE, unit: share, nullable: true, min: 0, max: 1, meaning: "Share of the category most was spent on in what was spent on products of a named category, void orders left out; null without"}
  channels:           {type: BIGINT, unit: channels, nullable: true, min: 1, meaning: "Sales channels bought in, void orders left out; null where no channel is named"}
  last_channel_share: {type: DOUBLE, unit: share, nullable: true, min: 0, max: 1, meaning: "Share of the channel the customer bought in last in all sale lines of a named channel up to the day, void orders left out: which channel it is, told by a number; null without"}
*/
WITH sequenced AS (
  SELECT
    customer_id,
    occasion_on,
    orders,
    amount,
    date_diff('day', occasion_on, $snapshot_date) AS days_ago,
    date_diff('day', lag(occasion_on) OVER (PARTITION BY customer_id ORDER BY occasion_on), occasion_on) AS gap,
    row_number() OVER (PARTITION BY customer_id ORDER BY occasion_on) AS place,
    row_number() OVER (PARTITION BY customer_id ORDER BY occasion_on DESC) AS place_from_end
  FROM features.standing_occasions
),
rhythm AS (
  SELECT
    customer_id,
    count(*) - 1 AS frequency,
    max(days_ago) - min(days_ago) AS active_span_days,
    max(days_ago) AS age_days,
    min(days_ago) AS recency_days,
    CASE
      WHEN sum(amount) FILTER (WHERE place > 1) > 0
        THEN (sum(amount) FILTER (WHERE place > 1))::DOUBLE / nullif((count(*) - 1)::DOUBLE, 0)
    END AS monetary_value,
    sum(orders) AS orders,
    sum(gap)::DOUBLE / nullif((count(*) - 1)::DOUBLE, 0) AS mean_gap_days,
    max(gap) AS longest_gap_days,
    max(gap) FILTER (WHERE place_from_end = 1) AS last_gap_days,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY gap::DOUBLE) AS median_gap_days,
    (sum(gap) FILTER (WHERE place_from_end <= 3))::DOUBLE
    / nullif((count(gap) FILTER (WHERE place_from_end <= 3))::DOUBLE, 0) AS recent_gaps_days,
    -- Of whole numbers, so that the order they come in does not matter.
    sqrt(
      (count(gap) * sum(gap * gap) - sum(gap) * sum(gap))::DOUBLE / nullif((count(gap) * (count(gap) - 1))::DOUBLE, 0)
    ) AS gap_spread_days,
    count(*) FILTER (WHERE days_ago < 7) AS occasions_7_days,
    count(*) FILTER (WHERE days_ago < 14) AS occasions_14_days,
    count(*) FILTER (WHERE days_ago < 30) AS occasions_30_days,
    count(*) FILTER (WHERE days_ago < 60) AS occasions_60_days,
    count(*) FILTER (WHERE days_ago < 90) AS occasions_90_days,
    count(*) FILTER (WHERE days_ago < 180) AS occasions_180_days,
    count(*) FILTER (WHERE days_ago < 365) AS occasions_365_days,
    count(*) FILTER (WHERE days_ago >= 335 AND days_ago < 365) AS occasions_season,
    (max(amount) FILTER (WHERE place = 1))::DOUBLE AS first_amount,
    (max(amount) FILTER (WHERE place_from_end = 1))::DOUBLE AS last_amount,
    sum(amount)::DOUBLE / nullif(count(*)::DOUBLE, 0) AS mean_amount
  FROM sequenced
  GROUP BY customer_id
),
lines AS (
  SELECT
    booked.customer_id,
    booked.ordered_on,
    booked.kind,
    booked.amount,
    booked.category,
    booked.sales_channel
  FROM staging.order_lines AS booked
  LEFT JOIN features.void_orders AS void ON void.order_id = booked.order_id
  WHERE void.order_id IS NULL AND booked.customer_id IS NOT NULL AND booked.ordered_on <= $snapshot_date
),
refunders AS (
  SELECT customer_id
  FROM lines
  WHERE kind = 'refund'
  GROUP BY customer_id
),
refunds AS (
  SELECT
    lines.customer_id,
    -sum(lines.amount) FILTER (WHERE lines.kind = 'refund') AS refunded,
    coalesce(sum(lines.amount) FILTER (WHERE lines.kind <> 'refund'), 0) AS sold
  FROM lines
  JOIN refunders ON refunders.customer_id = lines.customer_id
  GROUP BY lines.customer_id
),
spend_by_category AS (
  SELECT customer_id, category, sum(amount) AS amount
  FROM lines
  WHERE category IS NOT NULL AND kind = 'sale' AND amount > 0
  GROUP BY customer_id, category
),
categories AS (
  SELECT customer_id, count(*) AS categories, max(amount)::DOUBLE / nullif(sum(amount)::DOUBLE, 0) AS main_share
  FROM spend_by_category
  GROUP BY customer_id
),
lines_by_channel AS (
  SELECT customer_id, sales_channel, count(*) AS lines, max(ordered_on) AS last_on
  FROM lines
  WHERE sales_channel IS NOT NULL AND kind = 'sale'
  GROUP BY customer_id, sales_channel
),
channel_shares AS (
  SELECT sales_channel, sum(lines)::DOUBLE / nullif((sum(sum(lines)) OVER ())::DOUBLE, 0) AS share
  FROM lines_by_channel
  GROUP BY sales_channel
),
customer_channels AS (
  SELECT
    customer_id,
    sales_channel,
    count(*) OVER (PARTITION BY customer_id) AS channels,
    row_number() OVER (PARTITION BY customer_id ORDER BY last_on DESC, lines DESC, sales_channel) AS place_from_end
  FROM lines_by_channel
)
SELECT
  $snapshot_date AS snapshot_date,
  rhythm.customer_id,
  rhythm.frequency,
  rhythm.active_span_days,
  rhythm.age_days,
  rhythm.recency_days,
  rhythm.monetary_value,
  rhythm.orders,
  rhythm.mean_gap_days,
  rhythm.longest_gap_days,
  rhythm.last_gap_days,
  rhythm.median_gap_days,
  rhythm.recent_gaps_days,
  rhythm.gap_spread_days,
  rhythm.gap_spread_days / nullif(rhythm.mean_gap_days, 0) AS gap_irregularity,
  rhythm.recency_days::DOUBLE / nullif(rhythm.mean_gap_days, 0) AS silence_by_mean_gap,
  rhythm.recency_days::DOUBLE / nullif(rhythm.median_gap_days, 0) AS silence_by_median_gap,
  rhythm.occasions_7_days,
  rhythm.occasions_14_days,
  rhythm.occasions_30_days,
  rhythm.occasions_60_days,
  rhythm.occasions_90_days,
  rhythm.occasions_180_days,
  rhythm.occasions_365_days,
  rhythm.occasions_season,
  rhythm.first_amount,
  rhythm.last_amount,
  rhythm.mean_amount,
  coalesce(refunds.refunded, 0)::DOUBLE AS refunded_amount,
  CASE
    WHEN refunds.customer_id IS NULL THEN 0::DOUBLE
    WHEN refunds.sold > 0 THEN refunds.refunded::DOUBLE / nullif(refunds.sold::DOUBLE, 0)
  END AS refunded_share,
  categories.categories,
  categories.main_share AS main_category_share,
  customer_channels.channels,
  channel_shares.share AS last_channel_share
FROM rhythm
LEFT JOIN refunds ON refunds.customer_id = rhythm.customer_id
LEFT JOIN categories ON categories.customer_id = rhythm.customer_id
LEFT JOIN customer_channels
  ON customer_channels.customer_id = rhythm.customer_id AND customer_channels.place_from_end = 1
LEFT JOIN channel_shares ON channel_shares.sales_channel = customer_channels.sales_channel
