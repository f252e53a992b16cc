/*
title: How many purchases a list of ten names
term: recommendations
each: {key: list, label: list_label}
draw: {dots: method_label, value: recall, band: [low, high], title: "share of what was bought (95% interval)"}
columns:
  method_label: List
  recall: {label: Share named, kind: percent, interval: [low, high]}
  hit_rate: {label: Customers with at least one, kind: percent}
  ndcg: {label: Order of the list (nDCG), kind: score}
  is_published: Published
hidden: [list, list_label, is_naive, difference, difference_low, difference_high, status, customers, origin]
let:
  ours: max_by(rows, CASE WHEN is_naive THEN -2 ELSE coalesce(recall, -1) END)
  naive: max_by(rows, CASE WHEN is_naive THEN coalesce(recall, -1) ELSE -2 END)
  given: max_by(rows, is_published)
hover: "{{ method_label }}<br>{{ recall|percent }} named, {{ hit_rate|percent }} of customers with at least one"
sentence: >-
  {% if not customers %}Nobody bought such products after {{ origin|day }}, so no list can be judged.{% elif status == "insufficient_data" %}Only {{ customers|counted("customer") }} could be asked, so no list can be judged;
  published: {{ given.method_label|lower }}.{% else %}{{ ours.method_label }}: {{ ours.recall|percent }} of what was bought
  stood among its ten; {{ naive.method_label }}, the best of the simple lists, {{ naive.recall|percent }}.
  {% if difference_low is none %}{% elif difference_low > 0 %}That is surely better.{% elif difference_high < 0 %}That is
  surely worse.{% else %}The difference may be chance.{% endif %} Published: {{ given.method_label|lower }}.{% endif %}
empty: Nobody has bought products often enough to make lists of, so none was tried.
basis: n = {{ customers|counted("customer") }} · first purchase in {{ origin|span(snapshot_date) }}
*/
WITH methods AS (
  SELECT
    list, method,
    bool_or(is_naive) AS is_naive,
    bool_or(is_published) AS is_published,
    max(value) FILTER (metric = 'recall_10') AS recall,
    max(low) FILTER (metric = 'recall_10') AS low,
    max(high) FILTER (metric = 'recall_10') AS high,
    max(value) FILTER (metric = 'hit_rate_10') AS hit_rate,
    max(value) FILTER (metric = 'ndcg_10') AS ndcg,
    max(low) FILTER (metric = 'recall_10_difference') AS method_difference_low,
    max(value) FILTER (metric = 'recall_10_difference') AS method_difference,
    max(high) FILTER (metric = 'recall_10_difference') AS method_difference_high,
    max(status) AS status,
    max(customers) AS customers,
    max(origin) AS origin
  FROM marts.recommendation_validation
  WHERE snapshot_date = $snapshot_date
  GROUP BY list, method
)
SELECT
  list,
  CASE list
    WHEN 'repeat' THEN 'Bought before'
    WHEN 'cross_sell' THEN 'New to the customer'
    ELSE 'New, one price band higher'
  END AS list_label,
  CASE method
    WHEN 'personal_frequency' THEN 'What the customer buys most'
    WHEN 'last_occasion_again' THEN 'The last purchase again'
    WHEN 'similar_customers' THEN 'What customers alike buy'
    WHEN 'upgrades' THEN 'What buyers of the cheaper buy later'
    WHEN 'popular_90d' THEN 'Bought most in 90 days'
    ELSE 'Bought most in 30 days'
  END AS method_label,
  recall, low, high, hit_rate, ndcg, is_published, is_naive,
  max(method_difference) OVER lists AS difference,
  max(method_difference_low) OVER lists AS difference_low,
  max(method_difference_high) OVER lists AS difference_high,
  status, customers, origin
FROM methods
WINDOW lists AS (PARTITION BY list)
ORDER BY CASE list WHEN 'repeat' THEN 1 WHEN 'cross_sell' THEN 2 ELSE 3 END, recall DESC NULLS LAST, is_naive, method
