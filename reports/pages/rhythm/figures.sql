/*
draw: figures
columns:
  label: Figure
  value: {kind: text}
hidden: [low, high, share_back, horizon_days]
empty: ""
context: >-
  {% if high is none and low is none %}of the {{ share_back|percent }} who order a second time within {{ horizon_days }} days
  {%- else %}95% interval day {{ low|day_range(high) }}{% endif %}
*/
WITH main AS (
  SELECT *
  FROM marts.key_moments
  WHERE snapshot_date = $snapshot_date AND cohort = 'all' AND order_number = 1 AND is_main AND back_p50_days IS NOT NULL
),
figures AS (
  SELECT 1 AS place, 'A quarter are back by' AS label, back_p25_days AS days, NULL::BIGINT AS low, NULL::BIGINT AS high
  FROM main
  UNION ALL
  SELECT 2, 'Best time to remind: half are back', back_p50_days, back_p50_low, back_p50_high FROM main
  UNION ALL
  SELECT 3, 'Win back: three quarters are back', back_p75_days, back_p75_low, back_p75_high FROM main
)
SELECT
  figures.label,
  'day ' || figures.days AS value,
  figures.low, figures.high, main.share_back, main.horizon_days
FROM figures
CROSS JOIN main
ORDER BY figures.place
