"""What the page on the lifecycle asks the warehouse: SELECTs in the portable subset that return aggregates."""

STAGES = """
SELECT
  stages.stage,
  count(*) AS customers,
  count(*) FILTER (WHERE stages.returned) AS returned,
  coalesce(sum(summary.revenue_12_months), 0)::DECIMAL(18,2) AS revenue_12_months
FROM marts.lifecycle_stages AS stages
LEFT JOIN marts.customer_summary AS summary
  ON summary.snapshot_date = stages.snapshot_date AND summary.customer_id = stages.customer_id
WHERE stages.snapshot_date = $snapshot_date
GROUP BY stages.stage
ORDER BY stages.stage
"""

FUNNEL = """
SELECT funnel_stage, count(*) AS contacts
FROM marts.lifecycle_stages
WHERE snapshot_date = $snapshot_date
GROUP BY funnel_stage
ORDER BY funnel_stage
"""

HISTORY = """
SELECT max(age_days) AS days
FROM marts.customer_summary
WHERE snapshot_date = $snapshot_date
"""

THRESHOLDS = """
SELECT
  customer_kind,
  defecting_days,
  defecting_status,
  defecting_low,
  defecting_high,
  inactive_days,
  inactive_status,
  inactive_low,
  inactive_high,
  chance_at_0,
  silences,
  customers
FROM marts.lifecycle_thresholds
WHERE snapshot_date = $snapshot_date
ORDER BY customer_kind
"""

OWN_LIMITS = """
SELECT count(*) AS customers, min(defecting_days) AS shortest, max(defecting_days) AS longest
FROM marts.lifecycle_stages
WHERE snapshot_date = $snapshot_date AND defecting_rule = 'own gaps'
"""

TRANSITIONS = """
SELECT horizon_days, from_stage, to_stage, customers, from_customers, share, share_low, share_high
FROM marts.lifecycle_transitions
WHERE snapshot_date = $snapshot_date
ORDER BY horizon_days, from_stage, to_stage
"""

VALUE = """
SELECT
  stage, status, customers, mean_predicted_clv, standard_error, contact_worth, contact_worth_low, contact_worth_high
FROM marts.lifecycle_value
WHERE snapshot_date = $snapshot_date
ORDER BY stage
"""

MOVES = """
SELECT
  move,
  from_stage,
  to_stage,
  horizon_days,
  status,
  value_with,
  value_without,
  value_difference,
  difference_error,
  success_share,
  success_low,
  success_high,
  from_customers,
  margin_is_set,
  cost_basis,
  most_to_spend,
  most_to_spend_low,
  most_to_spend_high
FROM marts.lifecycle_moves
WHERE snapshot_date = $snapshot_date
ORDER BY move, from_stage, horizon_days
"""

PROJECTION = """
SELECT scenario, month, stage, customers, customers_low, customers_high, new_customers
FROM marts.lifecycle_projection
WHERE snapshot_date = $snapshot_date
ORDER BY scenario, month, stage
"""

SCENARIOS = """
SELECT
  scenario,
  month,
  from_stage,
  to_stage,
  points,
  customers,
  revenue,
  revenue_low,
  revenue_high,
  total,
  total_low,
  total_high,
  last_12_months,
  gain,
  gain_low,
  gain_high,
  new_customers
FROM marts.lifecycle_scenarios
WHERE snapshot_date = $snapshot_date
ORDER BY CASE WHEN scenario = 'do nothing' THEN 0 ELSE 1 END, scenario, month
"""

ALL = {
    "stages": STAGES,
    "funnel": FUNNEL,
    "history": HISTORY,
    "thresholds": THRESHOLDS,
    "transitions": TRANSITIONS,
    "value": VALUE,
    "moves": MOVES,
    "projection": PROJECTION,
    "scenarios": SCENARIOS,
}
