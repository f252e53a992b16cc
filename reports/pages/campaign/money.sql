/*
title: Cost and profit
draw: table
columns:
  basis_label: Basis
  revenue: {label: Revenue, kind: money, interval: [revenue_low, revenue_high]}
  cost: {label: Cost, kind: money}
  profit: {label: Profit, kind: money}
  roi: {label: Return on cost, kind: percent}
  cost_per_order: {label: Cost of an order, kind: money}
  cost_per_new_buyer: {label: Cost of a new buyer, kind: money}
  cost_per_contact: {label: Cost of a contact, kind: money}
  allowable: {label: A contact may cost, kind: money}
  allowable_basis: {label: "by", missing: not known}
hidden: [campaign_id, basis, status, worth_it, contacts]
let:
  caused: max_by(rows, basis)
  contacts: max(contacts)
sentence: >-
  {% if caused.cost is none %}Its cost is unknown.{% elif caused.worth_it %}It was worth it: what a contact
  caused is more than it cost, even at the lower end of the interval.{% elif caused.profit is not none %}That it was worth its cost is not
  shown.{% elif caused.allowable is not none %}What it caused is not known. A contact may cost {{ caused.allowable|show("money") }} at most:
  what a move up the lifecycle is worth, as if the contact had made it.{% elif caused.status == "known" %}Too few members bought to tell by how much more they
  spent, and so what it earned.{% else %}What it caused is not known, nor what it earned.{% endif %} Attributed is not caused: some of it would have come anyway.
basis: n = {{ contacts|counted("member") }} · {{ each.first_on|span(snapshot_date) }}
*/
SELECT
  campaign_id,
  CASE basis WHEN 'incremental' THEN 'What it caused' ELSE 'Attributed by last click' END AS basis_label,
  revenue, revenue_low, revenue_high, cost, profit, roi, cost_per_order, cost_per_new_buyer, cost_per_contact,
  allowable, allowable_basis, basis, status, worth_it, contacts
FROM marts.campaign_roi
WHERE snapshot_date = $snapshot_date AND campaign_id IN (SELECT unnest($campaign_ids))
ORDER BY basis DESC
