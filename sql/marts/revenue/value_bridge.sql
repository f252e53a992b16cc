/*
description: "How the predicted value of all customers came from what it was 30 days ago to what it is: each customer in one term, the terms sum to the cent. History: the opening is the closing of the snapshot 30 days before, if there is one."
grain: [snapshot_date, term]
owner: team:crm
columns:
  snapshot_date:  {type: DATE, meaning: The day whose end the row describes}
  term:           {type: VARCHAR, values: [opening, re-estimation, new, upward, downward, to inactive, ageing, erased, closing], meaning: "opening: value 30 days ago; re-estimation: what other parameters (and late exports) change in it; new: customers since; upward, downward, to inactive: who changed stage; ageing: who kept it; erased: customers then who are none now (erased, or all orders cancelled)"}
  place:          {type: INTEGER, min: 1, max: 9, meaning: Order of the terms}
  status:         {type: VARCHAR, values: [ok, insufficient data], meaning: "insufficient data: no value is predicted on this day, amounts are null"}
  amount:         {type: "DECIMAL(18,2)", unit: currency, nullable: true, meaning: "Predicted value, or its change; the values of customers are rounded to the cent one by one where they are published"}
  customers:      {type: BIGINT, unit: customers, nullable: true, meaning: "Customers of the term; for re-estimation those revalued"}
  opening_on:     {type: DATE, meaning: 30 days before the snapshot date}
  opening_source: {type: VARCHAR, values: [published, revalued], meaning: "published: the closing of the snapshot of opening_on; revalued: there is none, the value then is estimated with the parameters of the snapshot date and re-estimation is 0"}
tests:
  terms_sum_to_the_closing: |
    SELECT sum(amount) FILTER (WHERE term <> 'closing') AS terms, max(amount) FILTER (WHERE term = 'closing') AS closing
    FROM marts.value_bridge
    WHERE snapshot_date = $snapshot_date
    HAVING sum(amount) FILTER (WHERE term <> 'closing') <> max(amount) FILTER (WHERE term = 'closing')
  closing_is_the_sum_of_what_is_published: |
    WITH published AS (
      SELECT sum(predicted_clv) AS amount FROM marts.clv_predictions WHERE snapshot_date = $snapshot_date
    )
    SELECT bridge.amount, published.amount AS published
    FROM marts.value_bridge AS bridge
    CROSS JOIN published
    WHERE bridge.snapshot_date = $snapshot_date
      AND bridge.term = 'closing'
      AND abs(bridge.amount::DOUBLE - published.amount) > 0.004 + 0.0000000001 * published.amount
  every_customer_in_one_term: |
    SELECT
      sum(customers) FILTER (WHERE place BETWEEN 3 AND 7) AS in_terms,
      max(customers) FILTER (WHERE term = 'closing') AS customers
    FROM marts.value_bridge
    WHERE snapshot_date = $snapshot_date
    HAVING sum(customers) FILTER (WHERE place BETWEEN 3 AND 7) <> max(customers) FILTER (WHERE term = 'closing')
*/
WITH terms AS (
  SELECT term, place
  FROM (
    VALUES
      ('opening', 1), ('re-estimation', 2), ('new', 3), ('upward', 4), ('downward', 5), ('to inactive', 6),
      ('ageing', 7), ('erased', 8), ('closing', 9)
  ) AS terms (term, place)
),
ranks AS (
  SELECT stage, place
  FROM (VALUES ('inactive', 1), ('defecting', 2), ('first-time', 3), ('active', 4)) AS ranks (stage, place)
),
published AS (
  SELECT
    max(amount) AS amount,
    max(customers) AS customers,
    CASE WHEN max(amount) IS NULL THEN 'revalued' ELSE 'published' END AS source
  FROM marts.value_bridge
  WHERE snapshot_date = $snapshot_date - 30 AND term = 'closing'
),
cents AS (
  SELECT customer_id, 'opening' AS what, floor(100 * predicted_clv + 0.5)::BIGINT AS cents
  FROM marts.clv_predictions
  WHERE snapshot_date = $snapshot_date - 30 AND predicted_clv IS NOT NULL
  UNION ALL
  SELECT customer_id, 'revalued' AS what, floor(100 * predicted_clv + 0.5)::BIGINT AS cents
  FROM marts.clv_before
  WHERE snapshot_date = $snapshot_date
  UNION ALL
  SELECT customer_id, 'closing' AS what, floor(100 * predicted_clv + 0.5)::BIGINT AS cents
  FROM marts.clv_predictions
  WHERE snapshot_date = $snapshot_date AND predicted_clv IS NOT NULL
),
amounts AS (
  SELECT
    customer_id,
    (sum(cents) FILTER (WHERE what = 'opening') * 0.01::DECIMAL(3,2))::DECIMAL(18,2) AS opening,
    (sum(cents) FILTER (WHERE what = 'revalued') * 0.01::DECIMAL(3,2))::DECIMAL(18,2) AS revalued,
    (sum(cents) FILTER (WHERE what = 'closing') * 0.01::DECIMAL(3,2))::DECIMAL(18,2) AS closing
  FROM cents
  GROUP BY customer_id
),
customers AS (
  SELECT
    amounts.customer_id,
    CASE WHEN published.source = 'published' THEN amounts.opening ELSE amounts.revalued END AS opening,
    amounts.revalued,
    amounts.closing,
    CASE
      WHEN amounts.closing IS NULL THEN 'erased'
      WHEN amounts.revalued IS NULL THEN 'new'
      WHEN after.place > before.place THEN 'upward'
      WHEN after.place < before.place AND stages.stage = 'inactive' THEN 'to inactive'
      WHEN after.place < before.place THEN 'downward'
      ELSE 'ageing'
    END AS term
  FROM amounts
  CROSS JOIN published
  LEFT JOIN marts.lifecycle_stages AS stages
    ON stages.snapshot_date = $snapshot_date AND stages.customer_id = amounts.customer_id
  LEFT JOIN ranks AS after ON after.stage = stages.stage
  LEFT JOIN ranks AS before ON before.stage = stages.stage_30_days_ago
),
revalued AS (
  -- Of who is gone without a trace nothing is estimated again: all of the opening leaves with the customer.
  SELECT
    customer_id,
    term,
    coalesce(opening, 0) AS opening,
    CASE WHEN revalued IS NULL AND closing IS NULL THEN coalesce(opening, 0) ELSE coalesce(revalued, 0) END AS revalued,
    coalesce(closing, 0) AS closing,
    opening IS NOT NULL AS had_value,
    closing IS NOT NULL AS has_value
  FROM customers
),
totals AS (
  SELECT
    coalesce(max(published.amount), sum(revalued.opening)) AS opening,
    coalesce(max(published.customers), count(*) FILTER (WHERE revalued.had_value)) AS opening_customers,
    -- Customers erased from the earlier snapshots are in its closing and in none of its rows.
    coalesce(max(published.amount), sum(revalued.opening)) - sum(revalued.opening) AS forgotten,
    coalesce(max(published.customers), count(*) FILTER (WHERE revalued.had_value))
      - count(*) FILTER (WHERE revalued.had_value) AS forgotten_customers,
    sum(revalued.revalued) - sum(revalued.opening) AS re_estimation,
    count(*) FILTER (WHERE revalued.revalued <> revalued.opening) AS re_estimated_customers,
    sum(revalued.closing) AS closing,
    count(*) FILTER (WHERE revalued.has_value) AS closing_customers
  FROM revalued
  CROSS JOIN published
),
moves AS (
  SELECT term, sum(closing - revalued) AS amount, count(*) AS customers
  FROM revalued
  WHERE has_value OR had_value
  GROUP BY term
),
lines AS (
  SELECT
    terms.term,
    terms.place,
    CASE
      WHEN terms.term = 'opening' THEN totals.opening
      WHEN terms.term = 're-estimation' THEN totals.re_estimation
      WHEN terms.term = 'closing' THEN totals.closing
      WHEN terms.term = 'erased' THEN coalesce(moves.amount, 0) - totals.forgotten
      ELSE coalesce(moves.amount, 0)
    END AS amount,
    CASE
      WHEN terms.term = 'opening' THEN totals.opening_customers
      WHEN terms.term = 're-estimation' THEN totals.re_estimated_customers
      WHEN terms.term = 'closing' THEN totals.closing_customers
      WHEN terms.term = 'erased' THEN coalesce(moves.customers, 0) + totals.forgotten_customers
      ELSE coalesce(moves.customers, 0)
    END AS customers,
    totals.closing_customers > 0 AS is_known
  FROM terms
  CROSS JOIN totals
  LEFT JOIN moves ON moves.term = terms.term
)
SELECT
  $snapshot_date AS snapshot_date,
  lines.term,
  lines.place,
  CASE WHEN lines.is_known THEN 'ok' ELSE 'insufficient data' END AS status,
  CASE WHEN lines.is_known THEN lines.amount END AS amount,
  CASE WHEN lines.is_known THEN lines.customers END AS customers,
  $snapshot_date - 30 AS opening_on,
  published.source AS opening_source
FROM lines
CROSS JOIN published
