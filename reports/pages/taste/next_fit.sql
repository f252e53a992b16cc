/*
title: What a customer's own past adds to the shop's rate
draw: table
columns:
  prior_weight: Weight of the shop's rate
  gain: {label: "Better than the shop's rate alone", kind: percent}
  log_loss: {label: "Log loss, own past and shop's rate", kind: number}
  log_loss_naive: {label: "Log loss, shop's rate alone", kind: number}
  is_chosen: Chosen
let:
  best: max_by(rows, gain)
sentence: >-
  {% if next.status == "ok" %}What {{ next.customers|counted("customer") }} bought next is predicted
  {{ best.gain|percent }} better (log loss) with their own past than with the shop's rate alone; that rate weighs as much as
  {{ next.prior_weight|counted("order day") }} of theirs.{% else %}A customer's own past predicts what comes next no better
  than the shop's rate alone ({{ best.gain|percent }} at best), so everybody has the shop's rate.{% endif %}
basis: n = {{ next.customers|counted("customer") }} · first purchase in {{ next.origin|span(snapshot_date) }}
*/
SELECT prior_weight, 1 - log_loss / nullif(log_loss_naive, 0) AS gain, log_loss, log_loss_naive, is_chosen
FROM marts.next_category_fit
WHERE snapshot_date = $snapshot_date AND log_loss IS NOT NULL
ORDER BY prior_weight
