/*
description: "Events of Google Analytics 4 as BigQuery exports them (tables events_YYYYMMDD and events_intraday_YYYYMMDD, saved as JSON lines or Parquet; field list: BigQuery Export schema). A visit is user_pseudo_id and the parameter ga_session_id. The customer is user_id, which the shop sets: give it the shop's own customer id. Where the visit came from is collected_traffic_source, else the last click of the session, else the parameters of the event; traffic_source, where the visitor first came from, is another matter and not read. event_timestamp is in microseconds since 1970, UTC. Of several items the first counts. Addresses of pages, devices and places are not taken over."
owner: team:data
nested: true
raw:
  event_name:      {required: true}
  event_timestamp: {required: true, meaning: "Microseconds since 1970, UTC"}
  user_pseudo_id:  {required: true}
  user_id:         {}
  "event_params[ga_session_id].int_value": {required: true}
  "event_params[transaction_id].string_value": {}
  "event_params[source].string_value":   {}
  "event_params[medium].string_value":   {}
  "event_params[campaign].string_value": {}
  "event_params[campaign_id].string_value": {}
  "items[0].item_id": {}
  ecommerce.transaction_id: {}
  collected_traffic_source.manual_source: {}
  collected_traffic_source.manual_medium: {}
  collected_traffic_source.manual_campaign_id:   {}
  collected_traffic_source.manual_campaign_name: {}
  session_traffic_source_last_click.manual_campaign.source: {}
  session_traffic_source_last_click.manual_campaign.medium: {}
  session_traffic_source_last_click.manual_campaign.campaign_id:   {}
  session_traffic_source_last_click.manual_campaign.campaign_name: {}
  event_bundle_sequence_id: {}
  batch_page_id:     {}
  batch_ordering_id: {}
  batch_event_index: {}
problems:
  no_visit:
    left_out: true
    reason: "events without user_pseudo_id or ga_session_id, as of visitors who did not consent: they belong to no visit"
*/
WITH events AS (
  SELECT
    row_number,
    lower(nullif(trim(event_name), '')) AS name,
    TRY_CAST(event_timestamp AS BIGINT) AS micros,
    nullif(trim(TRY_CAST(user_pseudo_id AS VARCHAR)), '') AS visitor,
    nullif(trim("event_params[ga_session_id].int_value"), '') AS visit,
    nullif(trim(TRY_CAST(user_id AS VARCHAR)), '') AS customer_id,
    coalesce(
      nullif(trim("ecommerce.transaction_id"), ''), nullif(trim("event_params[transaction_id].string_value"), '')
    ) AS order_id,
    nullif(trim("items[0].item_id"), '') AS item_id,
    concat_ws(
      '|', TRY_CAST(event_bundle_sequence_id AS VARCHAR), TRY_CAST(batch_page_id AS VARCHAR),
      TRY_CAST(batch_ordering_id AS VARCHAR), TRY_CAST(batch_event_index AS VARCHAR)
    ) AS place,
    coalesce(
      nullif(trim("collected_traffic_source.manual_source"), ''),
      nullif(trim("session_traffic_source_last_click.manual_campaign.source"), ''),
      nullif(trim("event_params[source].string_value"), '')
    ) AS source,
    coalesce(
      nullif(trim("collected_traffic_source.manual_medium"), ''),
      nullif(trim("session_traffic_source_last_click.manual_campaign.medium"), ''),
      nullif(trim("event_params[medium].string_value"), '')
    ) AS medium,
    coalesce(
      nullif(trim("collected_traffic_source.manual_campaign_id"), ''),
      nullif(trim("collected_traffic_source.manual_campaign_name"), ''),
      nullif(trim("session_traffic_source_last_click.manual_campaign.campaign_id"), ''),
      nullif(trim("session_traffic_source_last_click.manual_campaign.campaign_name"), ''),
      nullif(trim("event_params[campaign_id].string_value"), ''),
      nullif(trim("event_params[campaign].string_value"), '')
    ) AS campaign_id
  FROM export
)
SELECT
  row_number,
  md5(concat_ws('|', visitor, visit, TRY_CAST(micros AS VARCHAR), name, place, item_id, order_id)) AS event_id,
  visitor || '.' || visit AS visit_id,
  customer_id,
  CASE WHEN micros BETWEEN 0 AND 4102444800000000 THEN to_timestamp(TRY_CAST(micros AS DOUBLE) / 1000000) END
    AS happened_at,
  CASE name
    WHEN 'view_item' THEN 'product_view'
    WHEN 'add_to_cart' THEN 'add_to_cart'
    WHEN 'begin_checkout' THEN 'checkout'
    WHEN 'purchase' THEN 'purchase'
    ELSE CASE WHEN name IS NOT NULL THEN 'other' END
  END AS event,
  CASE WHEN name IN ('view_item', 'add_to_cart') THEN item_id END AS product_id,
  CASE WHEN name = 'purchase' AND order_id NOT LIKE '(%)' THEN order_id END AS order_id,
  source,
  medium,
  CASE WHEN campaign_id NOT LIKE '(%)' THEN campaign_id END AS campaign_id,
  CASE WHEN visitor IS NULL OR visit IS NULL THEN 'no_visit' END AS problem
FROM events
