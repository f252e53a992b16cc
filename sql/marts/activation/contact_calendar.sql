/*
description: "When to write to whom in the 90 days after the snapshot date, why, and by which channel: at most one contact of a customer and day, within the caps of contacts. Only who agreed to a channel is here, nobody who objected, and nobody who is left alone by all audiences. Reasons are days that other tables name; those that are over are not made up for. A plan, not a promise: who buys or withdraws meanwhile has another one on the next snapshot. Lists of suppressions hold addresses and are applied when files are written."
grain: [snapshot_date, customer_id, contact_on]
owner: team:crm
computed_by: contact_calendar
reads: [marts.customer_360, marts.key_moments, marts.send_times, staging.objections, staging.messages, staging.campaigns, ingest.aliases]
columns:
  snapshot_date:  {type: DATE, meaning: The day whose end the row describes}
  customer_id:    {type: VARCHAR, meaning: Customer of the shop}
  contact_on:     {type: DATE, meaning: "Day of the contact; a reason that falls on a quiet day waits for the next that is none"}
  reason:
    type: VARCHAR
    values: [need_stage, repeat_due, next_purchase, half_back]
    meaning: "Of several on one day the first of this order. need_stage: a stage of a need begins. repeat_due: the mean gap of the item likeliest to be bought again ends, and its chance is at least audiences.due_probability. next_purchase: the window of the next purchase opens (next_purchase_from). half_back: half of those who come back after so many orders are back (key_moments, the main horizon)"
  about:          {type: VARCHAR, nullable: true, meaning: "What it is about: the stage, or the item; null for the other reasons"}
  due_on:         {type: DATE, meaning: The day that the reason names}
  channel:        {type: VARCHAR, values: [email, sms, push], meaning: "Of the channels with consent the one with the highest expected clicks (engagement)"}
  from_hour:      {type: INTEGER, min: 0, max: 23, unit: hour of the day, meaning: "From this hour on of contact_on, in the shop's time zone; never in the quiet hours of the channel (contacts.quiet_hours)"}
  to_hour:        {type: INTEGER, min: 1, max: 24, unit: hour of the day, meaning: Until before this hour}
  hours_of:
    type: VARCHAR
    values: [customer, all, settings]
    meaning: "Whose hours they are, of those that are not quiet. customer: the three hours of the day in which the customer is likeliest to come, of those in which they ever came (send_times). all: those in which all customers are, where nothing is measured of this one, or quiet hours only. settings: the longest time that is not quiet, where nothing is measured at all"
  place:          {type: INTEGER, min: 1, meaning: "1 is the customer's next contact"}
  revenue_12_months: {type: "DECIMAL(18,2)", label: "Revenue, 12 months", unit: currency, meaning: "Revenue of the last 365 days: who comes first where contacts.most_a_day is fewer than are due"}
tests:
  all_days_lie_ahead: |
    SELECT customer_id, contact_on FROM marts.contact_calendar
    WHERE snapshot_date = $snapshot_date
      AND (contact_on <= snapshot_date OR contact_on > snapshot_date + 90 OR due_on > contact_on OR due_on <= snapshot_date)
  hours_are_in_order: |
    SELECT customer_id, contact_on FROM marts.contact_calendar
    WHERE snapshot_date = $snapshot_date AND from_hour >= to_hour
  only_who_agreed: |
    SELECT calendar.customer_id, calendar.channel
    FROM marts.contact_calendar AS calendar
    LEFT JOIN marts.engagement AS engagement
      ON engagement.customer_id = calendar.customer_id AND engagement.snapshot_date = $snapshot_date
    WHERE calendar.snapshot_date = $snapshot_date
      AND coalesce(
        CASE calendar.channel
          WHEN 'email' THEN engagement.email_consent WHEN 'sms' THEN engagement.sms_consent ELSE engagement.push_consent
        END, FALSE
      ) = FALSE
*/
