/*
title: Days from one order to the next
draw: {dots: name, value: median_days, band: [p25_days, p75_days], title: Days to the next order}
each: {key: grouping, label: view}
columns:
  name: Group
  silences: {label: Orders watched, kind: count}
  ended: {label: Ordered again, kind: count}
  censored: {label: Not yet, kind: count}
  p10_days: "10%, day"
  p25_days: "25%, day"
  median_days: {label: "Half, day", kind: count, interval: [median_low, median_high]}
  p75_days: "75%, day"
  p90_days: "90%, day"
hidden: [grouping, view]
let:
  silences: sum(silences)
hover: >-
  {{ name }}: {{ silences|counted("order") }} watched<br>a quarter back on day {{ p25_days }}<br>half on day
  {{ median_days }}<br>three quarters on day {{ p75_days }}
sentence: "{{ rows|gaps_sentence }}"
basis: n = {{ silences|counted("order") }} watched · orders {{ facts.range }}
*/
WITH names (grouping, group_name, place, name) AS (
  VALUES
    ('order_number', '1', 1, 'After the first'), ('order_number', '2', 2, 'After the second'),
    ('order_number', '3', 3, 'After the third'), ('order_number', '4', 4, 'After the fourth'),
    ('order_number', '5', 5, 'After the fifth'), ('order_number', '6', 6, 'After the sixth'),
    ('order_number', '7', 7, 'After the seventh'), ('order_number', '8', 8, 'After the eighth'),
    ('order_number', '9', 9, 'After the ninth'), ('order_number', '10+', 10, 'From the tenth on'),
    ('found', 'first-time', 11, 'First order'), ('found', 'active', 12, 'While active'),
    ('found', 'defecting', 13, 'While lapsing'), ('found', 'inactive', 14, 'While lapsed')
)
SELECT
  names.name, gaps.silences, gaps.ended, gaps.censored, gaps.p10_days, gaps.p25_days, gaps.median_days, gaps.median_low,
  gaps.median_high, gaps.p75_days, gaps.p90_days, gaps.grouping,
  CASE gaps.grouping WHEN 'found' THEN 'By stage before' ELSE 'By order' END AS view
FROM marts.purchase_gaps AS gaps
JOIN names ON names.grouping = gaps.grouping AND names.group_name = gaps.group_name
WHERE gaps.snapshot_date = $snapshot_date
QUALIFY count(gaps.median_days) OVER (PARTITION BY gaps.grouping) > 0
ORDER BY gaps.grouping DESC, names.place
