/*
description: "The groups customers fall in, cell by cell: two catalogues, each an exact partition of the 25 (R, F) cells, with rank, rule and advice. Changes with the version of this file; each partition keeps the catalogue it was made with."
grain: [snapshot_date, catalogue, r_score, f_score]
owner: team:crm
columns:
  snapshot_date: {type: DATE, meaning: Day for which the catalogue was used}
  catalogue:     {type: VARCHAR, values: [grid, axonaut], meaning: "Which set of groups: the fine grid of ten or Axonaut's seven"}
  r_score:       {type: INTEGER, min: 1, max: 5, meaning: Recency score of the cell}
  f_score:       {type: INTEGER, min: 1, max: 5, meaning: Frequency score of the cell}
  segment:       {type: VARCHAR, meaning: Group of the cell}
  segment_rank:  {type: INTEGER, min: 1, max: 10, meaning: "Order of the groups in their catalogue, 1 is best; tells better from worse"}
  label:         {type: VARCHAR, meaning: Name to show}
  rule:          {type: VARCHAR, meaning: "Cells of the group, recency score then frequency score"}
  meaning:       {type: VARCHAR, meaning: Who these customers are}
  advice:        {type: VARCHAR, meaning: What to do about them}
  owner:         {type: VARCHAR, meaning: Who in the shop looks after the group}
  version:       {type: INTEGER, min: 1, meaning: Version of the catalogue}
tests:
  catalogues_partition_the_cells: |
    SELECT catalogue, count(*) AS cells
    FROM marts.segment_catalogue
    WHERE snapshot_date = $snapshot_date
    GROUP BY catalogue
    HAVING count(*) <> 25 OR count(DISTINCT 10 * r_score + f_score) <> 25
  two_catalogues: |
    SELECT count(DISTINCT catalogue) AS catalogues FROM marts.segment_catalogue
    WHERE snapshot_date = $snapshot_date
    HAVING count(DISTINCT catalogue) <> 2
*/
WITH cells AS (
  SELECT catalogue, segment, r_score, f_score
  FROM (
    VALUES
      ('grid', 'champions', 5, 4), ('grid', 'champions', 5, 5),
      ('grid', 'loyal', 3, 4), ('grid', 'loyal', 3, 5), ('grid', 'loyal', 4, 4), ('grid', 'loyal', 4, 5),
      ('grid', 'potential_loyalist', 4, 2), ('grid', 'potential_loyalist', 4, 3), ('grid', 'potential_loyalist', 5, 2), ('grid', 'potential_loyalist', 5, 3),
      ('grid', 'new', 5, 1),
      ('grid', 'promising', 4, 1),
      ('grid', 'need_attention', 3, 3),
      ('grid', 'about_to_sleep', 3, 1), ('grid', 'about_to_sleep', 3, 2),
      ('grid', 'cant_lose', 1, 5), ('grid', 'cant_lose', 2, 5),
      ('grid', 'at_risk', 1, 3), ('grid', 'at_risk', 1, 4), ('grid', 'at_risk', 2, 3), ('grid', 'at_risk', 2, 4),
      ('grid', 'hibernating', 1, 1), ('grid', 'hibernating', 1, 2), ('grid', 'hibernating', 2, 1), ('grid', 'hibernating', 2, 2),
      ('axonaut', 'champions', 4, 4), ('axonaut', 'champions', 4, 5), ('axonaut', 'champions', 5, 4), ('axonaut', 'champions', 5, 5),
      ('axonaut', 'regulars', 4, 2), ('axonaut', 'regulars', 4, 3), ('axonaut', 'regulars', 5, 2), ('axonaut', 'regulars', 5, 3),
      ('axonaut', 'new', 4, 1), ('axonaut', 'new', 5, 1),
      ('axonaut', 'need_attention', 3, 2), ('axonaut', 'need_attention', 3, 3), ('axonaut', 'need_attention', 3, 4), ('axonaut', 'need_attention', 3, 5),
      ('axonaut', 'cant_lose', 1, 4), ('axonaut', 'cant_lose', 1, 5), ('axonaut', 'cant_lose', 2, 4), ('axonaut', 'cant_lose', 2, 5),
      ('axonaut', 'at_risk', 1, 2), ('axonaut', 'at_risk', 1, 3), ('axonaut', 'at_risk', 2, 2), ('axonaut', 'at_risk', 2, 3), ('axonaut', 'at_risk', 3, 1),
      ('axonaut', 'hibernating', 1, 1), ('axonaut', 'hibernating', 2, 1)
  ) AS listed (catalogue, segment, r_score, f_score)
),
segments AS (
  SELECT catalogue, segment, segment_rank, label, rule, meaning, advice
  FROM (
    VALUES
      ('grid', 'champions', 1, 'Champions', 'R,F in 54 55',
       'Bought lately and more often than almost everyone.',
       'Thank them first: early access, a say in new products, referral. No discount: they buy without one.'),
      ('grid', 'loyal', 2, 'Loyal', 'R,F in 34 35 44 45',
       'Buy often, the last time not long ago.',
       'Offer what complements their last order, and a reason to come before their usual gap is over.'),
      ('grid', 'potential_loyalist', 3, 'Potential loyalists', 'R,F in 42 43 52 53',
       'Bought lately, a few times.',
       'Bring them to the next order while they remember the last: complements, membership, a second category.'),
      ('grid', 'new', 4, 'New', 'R,F in 51',
       'Bought very lately, once or rarely.',
       'Welcome series, help with the first product, one well-chosen second offer.'),
      ('grid', 'promising', 5, 'Promising', 'R,F in 41',
       'Bought rather lately, once or rarely.',
       'Remind them who you are: bestsellers, reviews, a small reason to order again.'),
      ('grid', 'need_attention', 6, 'Need attention', 'R,F in 33',
       'In the middle in recency and frequency.',
       'Make a limited offer in the category they bought before: it decides whether they stay.'),
      ('grid', 'about_to_sleep', 7, 'About to sleep', 'R,F in 31 32',
       'Not lately, few orders.',
       'One reactivation message with what is new since their last order; then lower the frequency.'),
      ('grid', 'cant_lose', 8, 'Cannot lose', 'R,F in 15 25',
       'Bought most often, but long ago.',
       'Call those who spent most and write to the others personally: ask what went wrong, make it right.'),
      ('grid', 'at_risk', 9, 'At risk', 'R,F in 13 14 23 24',
       'Bought often, but long ago.',
       'Win them back in two or three messages, each with a better offer, and then stop.'),
      ('grid', 'hibernating', 10, 'Hibernating', 'R,F in 11 12 21 22',
       'Long ago and rarely.',
       'Use the cheapest channel only, at the high season; take addresses that never react off the list.'),
      ('axonaut', 'champions', 1, 'Champions', 'R,F in 44 45 54 55',
       'Bought lately and often.',
       'Thank them first: early access, a say in new products, referral. No discount: they buy without one.'),
      ('axonaut', 'regulars', 2, 'Regulars', 'R,F in 42 43 52 53',
       'Bought lately, a few times.',
       'Bring them to the next order: complements, membership, a second category.'),
      ('axonaut', 'new', 3, 'New', 'R,F in 41 51',
       'Bought lately, once or rarely.',
       'Welcome series, help with the first product, one well-chosen second offer.'),
      ('axonaut', 'need_attention', 4, 'Need attention', 'R,F in 32 33 34 35',
       'The last order is getting old.',
       'Make a limited offer in the category they bought before: it decides whether they stay.'),
      ('axonaut', 'cant_lose', 5, 'Cannot lose', 'R,F in 14 15 24 25',
       'Bought often, but long ago.',
       'Call those who spent most and write to the others personally: ask what went wrong, make it right.'),
      ('axonaut', 'at_risk', 6, 'At risk', 'R,F in 12 13 22 23 31',
       'A few orders, long ago.',
       'Win them back in two or three messages, each with a better offer, and then stop.'),
      ('axonaut', 'hibernating', 7, 'Hibernating', 'R,F in 11 21',
       'Long ago and once.',
       'Use the cheapest channel only, at the high season; take addresses that never react off the list.')
  ) AS described (catalogue, segment, segment_rank, label, rule, meaning, advice)
)
SELECT
  $snapshot_date AS snapshot_date,
  cells.catalogue,
  cells.r_score,
  cells.f_score,
  cells.segment,
  segments.segment_rank,
  segments.label,
  segments.rule,
  segments.meaning,
  segments.advice,
  'team:crm' AS owner,
  1 AS version
FROM cells
JOIN segments ON segments.catalogue = cells.catalogue AND segments.segment = cells.segment
