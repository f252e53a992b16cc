/*
description: "Who is left alone, so that what campaigns cause can be measured: the customers drawn by lot from each audience of the catalogues with a control share (deliver.segments), those whom every audience leaves alone (holdout_share), and those who get no discount (discounts.control_share), by the spells in which they were members. History: arm and first day are written once, and carried on from the latest earlier partition; a larger share adds customers and frees nobody. Empty without such a share."
grain: [snapshot_date, audience, customer_id, member_from]
owner: team:crm
computed_by: controls
reads: [marts.rfm_segments, marts.lifecycle_stages, marts.control_members]
columns:
  snapshot_date: {type: DATE, meaning: The day whose end the row describes}
  audience:      {type: VARCHAR, meaning: "Audience as its file is called, such as grid/loyal: the salt of the lot. global-v1: all customers, whom none writes to. discounts-v1: all customers, for discounts"}
  customer_id:   {type: VARCHAR, meaning: "Customer who is left alone, among all who are in the audience"}
  member_from:   {type: DATE, meaning: "First snapshot of a spell in which the customer is in the audience and left alone by it"}
  member_until:  {type: DATE, nullable: true, meaning: "First snapshot after it; null while it lasts"}
  arm:           {type: VARCHAR, values: [control, holdout], meaning: "control: drawn for this audience. holdout: drawn for all of them. Written once"}
  first_on:      {type: DATE, meaning: "Snapshot on which the customer was left alone by the audience for the first time. Written once"}
  share:         {type: DOUBLE, unit: share, min: 0, max: 1, meaning: "Chance of a member to be left alone, by either lot, when the spell began"}
tests:
  spells_of_a_customer_follow_each_other: |
    WITH spells AS (
      SELECT
        audience,
        customer_id,
        member_from,
        member_until,
        lead(member_from) OVER (PARTITION BY audience, customer_id ORDER BY member_from) AS next_from
      FROM marts.control_members
      WHERE snapshot_date = $snapshot_date
    )
    SELECT audience, customer_id, member_from
    FROM spells
    WHERE member_until <= member_from OR next_from < coalesce(member_until, $snapshot_date) OR member_until IS NULL AND next_from IS NOT NULL
  written_once: |
    SELECT audience, customer_id
    FROM marts.control_members
    WHERE snapshot_date = $snapshot_date
    GROUP BY audience, customer_id
    HAVING count(DISTINCT arm) > 1 OR count(DISTINCT first_on) > 1 OR min(member_from) <> min(first_on)
*/
