/*
description: "Methods by which the lists of products are made: those that were published. Where methods are tried on the past, a SELECT of all of them takes its place. Candidates are looked for by these methods alone. A query for any day, not a table."
grain: [list]
owner: team:data
columns:
  list:   {type: VARCHAR, values: [repeat, cross_sell, up_sell], meaning: List of products}
  method: {type: VARCHAR, meaning: How its products are ranked}
  status: {type: VARCHAR, values: [ok, insufficient_data, not_better_than_naive], meaning: "ok, or why the method is a naive one"}
*/
SELECT DISTINCT list, method, status
FROM marts.recommendation_validation
WHERE snapshot_date = $snapshot_date AND is_published
