/*
description: "What became of each message of a campaign, one row per event: sent, delivered, opened, clicked … Control members, who get none, have one row `assigned`. Each event counts once. Empty if no such export was given."
place: 8
thing: event
key: [event_id]
person: customer_id
newest_by: row
moment: happened_at
changed_at: happened_at
personal: true
columns:
  event_id:    {type: VARCHAR, required: true, length: [1, 200], meaning: "Event; not given, and of an unsubscription or a complaint always, it is made of what the event is, so that no other event takes the place of a no"}
  campaign_id: {type: VARCHAR, required: true, length: [1, 200], meaning: Campaign the message belongs to}
  customer_id: {type: VARCHAR, required: true, length: [1, 200], meaning: "Customer of the shop, as orders name it"}
  event:       {type: VARCHAR, required: true, values: [assigned, sent, delivered, bounced, opened, clicked, unsubscribed, complained], meaning: "What happened, in lower case"}
  happened_at: {type: TIMESTAMP, meaning: "When it happened, in the shop's time zone; null for assigned means when the campaign was sent"}
  message_id:  {type: VARCHAR, required: true, length: [1, 200], meaning: "Message; not given, a campaign writes to a customer once"}
  group_name:  {type: VARCHAR, required: true, values: [treated, control], meaning: "Whether the customer is to get the campaign, by lot"}
  channel:     {type: VARCHAR, length: [1, 200], meaning: "email, sms, push …, in lower case; null = the campaign's"}
  is_machine:  {type: BOOLEAN, meaning: "Whether a machine did it, by the mark of the service that sent the message; null = it does not say"}
filled:
  - event: >-
      CASE
      WHEN regexp_replace(lower(event), '[^a-z]', '', 'g') IN ('unsubscribed', 'unsubscribe', 'unsubscribes', 'unsubscription', 'unsub', 'unsubs', 'listunsubscribe', 'groupunsubscribe', 'optout', 'optedout') THEN 'unsubscribed'
      WHEN regexp_replace(lower(event), '[^a-z]', '', 'g') IN ('complained', 'complaint', 'complaints', 'complain', 'spam', 'spamreport', 'spamreported', 'reportedspam', 'spamcomplaint', 'markedasspam', 'abuse', 'abusereport') THEN 'complained'
      ELSE lower(event) END
    group_name: "lower(coalesce(group_name, 'treated'))"
    channel: lower(channel)
    message_id: "coalesce(message_id, md5(concat_ws('|', campaign_id, customer_id)))"
  - event_id: >-
      CASE WHEN event IN ('unsubscribed', 'complained')
      THEN md5(concat_ws('|', coalesce(event_id, ''), campaign_id, message_id, customer_id, event, coalesce(CAST(happened_at AS VARCHAR), ''), group_name, coalesce(CAST(is_machine AS VARCHAR), ''), coalesce(channel, '')))
      ELSE coalesce(event_id, md5(concat_ws('|', campaign_id, message_id, customer_id, event,
      coalesce(CAST(happened_at AS VARCHAR), ''), group_name, coalesce(CAST(is_machine AS VARCHAR), '')))) END
derived:
  happened_on: {sql: CAST(happened_at AS DATE), type: DATE, nullable: true, meaning: Local day of happened_at}
in_doubt:
  of: [customer_id]
  unless: coalesce(event, '') NOT IN ('unsubscribed', 'complained')
  reads: {campaign_id: "?", group_name: treated, message_id: null, channel: null}
  says: "{rows} of unsubscriptions or complaints that do not fit: they count as such, as of the arrival of the file where the time cannot be read, of campaign ? and every channel where these cannot. Mend them in the tool and export them again"
rules:
  no_time:
    column: happened_at
    fails: happened_at IS NULL AND event <> 'assigned'
    reason: "an event without its time; only assigned may go without, and then means when the campaign was sent"
*/
