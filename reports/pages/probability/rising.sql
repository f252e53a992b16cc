/*
title: Rising customers
draw: table
columns:
  customer_id: {label: Customer, page: {folder: customer, key: customer_id}}
  predicted_clv:
  predicted_rank: {label: Rank by predicted value, kind: count}
  historic_clv: {label: Revenue so far, kind: money}
  historic_rank: {label: Rank by revenue so far, kind: count}
hidden: [found, predicted, historic]
let:
  found: any_value(found)
  predicted: any_value(predicted)
  historic: any_value(historic)
sentence: >-
  {{ found|counted("customer") }} {{ "is" if found == 1 else "are" }} in the top tenth by predicted value and not by
  revenue so far: expected to bring {{ predicted|money }} after {{ historic|money }} to date.
empty: Everyone in the top tenth by predicted value is there by revenue so far, too.
basis: >-
  n = {{ found|counted("customer") }} · {{ rows|length|first_of(found, "customer") }} · orders {{ facts.range }}
file: rising_customers
*/
SELECT
  customer_id, predicted_clv, predicted_rank, historic_clv, historic_rank,
  count(*) OVER () AS found,
  sum(predicted_clv) OVER () AS predicted,
  sum(historic_clv) OVER () AS historic
FROM marts.rising_customers
WHERE snapshot_date = $snapshot_date
QUALIFY customer_id NOT IN (SELECT customer_id FROM staging.objections)  -- counted, and not named
ORDER BY predicted_rank, customer_id
LIMIT 10
