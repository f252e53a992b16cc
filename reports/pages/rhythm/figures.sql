/*
draw: figures
columns:
  label: Figure
  value: {kind: text}
hidden: [low, high, share_back, horizon_days]
context: >-
  {% if high is none and low is none %}of the {{ share_back|percent }} who order a second time within {{ horizon_days }} days
  {%- else %}95% interval day {{ low|day_range(high) }}{% endif %}
*/
SELECT
  figures.label,
  'day ' || figures.days AS value,
  figures.low, figures.high, main.share_back, main.horizon_days
FROM marts.key_moments AS main
CROSS JOIN (
  VALUES
    (1, 'A quarter are back by', main.back_p25_days, NULL, NULL),
    (2, 'Best time to remind: half are back', main.back_p50_days, main.back_p50_low, main.back_p50_high),
    (3, 'Win back: three quarters are back', main.back_p75_days, main.back_p75_low, main.back_p75_high)
) AS figures (place, label, days, low, high)
WHERE main.snapshot_date = $snapshot_date AND main.cohort = 'all' AND main.order_number = 1 AND main.is_main
  AND main.back_p50_days IS NOT NULL
ORDER BY figures.place
