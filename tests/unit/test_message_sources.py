"""Events of messages as services deliver them, and visits as Google Analytics exports them, worked out by hand."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from drop_folder import Home, counts

from pipeline.tables.catalog import with_features

KEY = "0f" * 32
NOON = 1_772_366_400  # 2026-03-01 12:00:00 UTC, in Warsaw 13:00


def sha(address: str) -> str:
    """The id that an address becomes."""
    return hmac.new(bytes.fromhex(KEY), address.encode(), hashlib.sha256).hexdigest()


ANNA, BERT = sha("anna+shop@example.com"), sha("bert@example.com")


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with ExitStack() as opened:
        found = Home(tmp_path, opened)
        found.settings |= {"id_key": KEY, "timezone": "Europe/Warsaw"}
        yield found


def events(home: Home) -> list[tuple[Any, ...]]:
    """(campaign, customer, event, happened_at, is_machine) of all events, by time."""
    names = "campaign_id, customer_id, event, happened_at, is_machine"
    found = home.select(f"SELECT {names} FROM staging.messages ORDER BY happened_at, event")
    return found.frame.with_columns(found.frame["happened_at"].dt.to_string("%H:%M:%S")).rows()


def assert_nothing_of(home: Home, *texts: str) -> None:
    """Not in the warehouse, and not in the quarantine either."""
    kept = str(home.everything())
    for file in (home.path / "data" / "quarantine").glob("*.parquet"):
        kept += str(home.set_aside().rows()) if file else ""
    assert not [text for text in texts if text in kept]


# ── SendGrid ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def sendgrid(event: str, seconds: int, id: str, email: str = "Anna+Shop@Example.com ", **more: Any) -> dict[str, Any]:
    given = {
        "email": email, "timestamp": NOON + seconds, "smtp-id": "<x@ismtpd>", "event": event, "category": "spring",
        "sg_event_id": id, "sg_message_id": "m1.filter0001.0", "ip": "10.9.8.7", "useragent": "Mozilla/4.0",
        "url": "https://shop.example/x",
    }  # fmt: skip
    return given | more


def test_sendgrid_batches_become_events(home):
    first = [
        sendgrid("processed", 0, "e1"), sendgrid("deferred", 1, "e2"), sendgrid("delivered", 2, "e3"),
        sendgrid("open", 3, "e4", sg_machine_open=True), sendgrid("open", 4, "e5", sg_machine_open=False),
        sendgrid("click", 5, "e6", category=["spring", "shoes"]),
    ]  # fmt: skip
    second = [
        sendgrid("group_unsubscribe", 6, "e7"), sendgrid("spamreport", 7, "e8"),
        sendgrid("dropped", 8, "e9", "bert@example.com", timestamp=str(NOON + 8)),
        sendgrid("bounce", 9, "e10", "bert@example.com", category=None, campaign_id=77), sendgrid("click", 5, "e6"),
        sendgrid("open", 10, "e11", category=[]),
    ]  # fmt: skip
    home.drop("2026-03-01.jsonl", f"{json.dumps(first)}\n{json.dumps(second)}\n", source="sendgrid")
    assert counts(home.load()["2026-03-01.jsonl"]) == (10, 9, 0, 0, 1)
    assert events(home) == [
        ("spring", ANNA, "sent", "13:00:00", None), ("spring", ANNA, "delivered", "13:00:02", None),
        ("spring", ANNA, "opened", "13:00:03", True), ("spring", ANNA, "opened", "13:00:04", False),
        ("spring", ANNA, "clicked", "13:00:05", None), ("spring", ANNA, "unsubscribed", "13:00:06", None),
        ("spring", ANNA, "complained", "13:00:07", None), ("spring", BERT, "assigned", "13:00:08", None),
        ("77", BERT, "bounced", "13:00:09", None),
    ]  # fmt: skip
    assert {row[0] for row in home.staged("messages").rows("message_id")} == {"m1.filter0001.0"}
    told = home.remarks()
    assert told["says_nothing"].startswith("1 row left out: events that say nothing")
    assert told["no_campaign"].startswith("1 row left out: events of messages outside of any campaign")
    assert_nothing_of(home, "example.com", "10.9.8.7", "Mozilla", "shop.example")


def test_sendgrid_events_that_do_not_fit_are_quarantined(home):
    rows = [
        sendgrid("opened_in_a_dream", 0, "e1"), sendgrid("open", 0, "e2", email=None),
        sendgrid("open", 0, "e3", timestamp="yesterday"), sendgrid("open", 0, "e4", timestamp=1e300),
        sendgrid("open", 0, "e5"), sendgrid(None, 0, "e6"), sendgrid("open", 0, "e7", timestamp=None),
    ]  # fmt: skip
    home.settings["quarantine_limit"] = 0.75  # five of seven: a kind nobody knows does not count
    home.drop("a.json", json.dumps(rows, indent=2), source="sendgrid")
    assert counts(home.load()["a.json"]) == (7, 1, 6, 0, 0)
    reasons = home.reasons()
    assert reasons[1].startswith("an event of a kind that is not known here")
    assert reasons[2] == 'column "email" is missing'
    assert reasons[3] == 'column "timestamp": "xxxxxxxxx" is not a date'
    assert 'column "timestamp"' in reasons[4] and 'column "timestamp"' not in reasons[1]
    assert reasons[6] == 'column "event" is missing'
    assert "without its time" in reasons[7]
    assert_nothing_of(home, "10.9.8.7", "Mozilla", "shop.example")


@pytest.mark.parametrize(
    ("category", "campaign"), [("spring", "spring"), (["a", "b"], "a"), ("[Spring] sale", "[Spring] sale")]
)
def test_a_category_of_sendgrid_is_a_text_or_a_list(home, category, campaign):
    home.drop("a.jsonl", json.dumps(sendgrid("open", 1, "e1", category=category)), source="sendgrid")
    home.load()
    assert events(home)[0][0] == campaign


def test_two_exports_that_overlap_count_each_event_once(home):
    one, two, three = (sendgrid("open", n, f"e{n}") for n in range(3))
    home.drop("a.jsonl", "\n".join(map(json.dumps, [one, two])), source="sendgrid")
    home.load()
    home.drop("b.jsonl", json.dumps([two, three]), source="sendgrid")
    home.load()
    assert len(events(home)) == 3


# ── Brevo ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def brevo(event: str, seconds: int, **more: Any) -> dict[str, Any]:
    given = {
        "id": 12, "camp_id": 7, "email": "anna+shop@example.com", "campaign name": "Secret name", "tag": "",
        "date_sent": "2026-03-01 08:00:00", "date_event": "2026-03-01 06:00:00", "ts_sent": NOON,
        "event": event, "ts_event": NOON + seconds, "ts": NOON, "URL": "https://shop.example/x",
    }  # fmt: skip
    return given | more


def test_brevo_events_are_read_in_utc_and_proxies_are_machines(home):
    rows = [
        brevo("list_addition", 0, camp_id=None), brevo("delivered", 1), brevo("proxy_open", 2), brevo("opened", 3),
        brevo("opened", 3), brevo("click", 4), brevo("hard_bounce", 5, ts_event=str(NOON + 5)), brevo("soft_bounce", 6),
        brevo("unsubscribe", 7, list_id=[1]), brevo("spam", 8, reason="x"), brevo("opened", 9, camp_id=None),
    ]  # fmt: skip
    home.drop("brevo.jsonl", "\r\n".join(map(json.dumps, rows)), source="brevo")
    assert counts(home.load()["brevo.jsonl"]) == (9, 8, 0, 0, 1)
    assert [row[2:] for row in events(home)] == [
        ("delivered", "13:00:01", None), ("opened", "13:00:02", True), ("opened", "13:00:03", False),
        ("clicked", "13:00:04", None), ("bounced", "13:00:05", None), ("bounced", "13:00:06", None),
        ("unsubscribed", "13:00:07", None), ("complained", "13:00:08", None),
    ]  # fmt: skip
    assert {row[:2] for row in events(home)} == {("7", ANNA)}
    assert set(home.remarks()) >= {"says_nothing", "no_campaign"}
    assert_nothing_of(home, "example.com", "shop.example", "Secret")


def test_a_brevo_event_cut_in_mid_line_or_without_its_time_is_quarantined(home):
    whole, timeless = brevo("opened", 1), {k: v for k, v in brevo("click", 2).items() if k != "ts_event"}
    home.drop("b.jsonl", f"{json.dumps(whole)}\n{json.dumps(timeless)}\n{json.dumps(whole)[:60]}", source="brevo")
    assert counts(home.load()["b.jsonl"]) == (3, 1, 2, 0, 0)
    assert "without its time" in home.reasons()[2] and "breaks off" in home.reasons()[3]
    assert_nothing_of(home, "Secret", "shop.example")


# ── Klaviyo ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def klaviyo(metric: str, seconds: int, id: str, **properties: Any) -> dict[str, Any]:
    """An event of the API, with what it includes of metric and profile beside it."""
    given = {"$message": "01CAMPAIGN", "Campaign Name": "Secret name", "Subject": "Secret subject", "URL": "https://x"}
    return {
        "type": "event", "id": f"api-{id}", "metric": {"name": metric}, "profile": {"email": "Anna+Shop@example.com"},
        "attributes": {
            "timestamp": NOON + seconds, "datetime": f"2026-03-01T12:00:{seconds:02}+00:00", "uuid": f"uuid-{id}",
            "event_properties": given | properties,
        },
    }  # fmt: skip


def test_klaviyo_events_are_reached_inside_of_their_objects(home):
    rows = [
        klaviyo("Received Email", 1, "a"), klaviyo("Opened Email", 2, "b", machine_open=True),
        klaviyo("Opened Email", 3, "c", machine_open=False), klaviyo("Clicked Email", 4, "d", **{"Bot Click": True}),
        klaviyo("Clicked Email", 5, "e"), klaviyo("Placed Order", 6, "f"), klaviyo("Clicked SMS", 7, "g"),
        klaviyo("Unsubscribed from Email Marketing", 8, "h"), klaviyo("Marked Email as Spam", 9, "i"),
        klaviyo("Bounced Email", 10, "j", **{"$message": None, "Campaign Name": None}),
        klaviyo("Clicked Email", 5, "e"),
    ]  # fmt: skip
    home.drop("events.jsonl", "\n".join(map(json.dumps, rows)), source="klaviyo")
    assert counts(home.load()["events.jsonl"]) == (9, 8, 0, 0, 1)
    assert [row[2:] for row in events(home)] == [
        ("delivered", "13:00:01", None), ("opened", "13:00:02", True), ("opened", "13:00:03", False),
        ("clicked", "13:00:04", True), ("clicked", "13:00:05", None), ("clicked", "13:00:07", None),
        ("unsubscribed", "13:00:08", None), ("complained", "13:00:09", None),
    ]  # fmt: skip
    assert {row[:2] for row in events(home)} == {("01CAMPAIGN", ANNA)}
    assert home.staged("messages").by("event_id", "channel")["uuid-g"] == "sms"
    assert set(home.remarks()) >= {"says_nothing", "no_campaign"}
    assert_nothing_of(home, "Secret", "https://x", "example.com")


def test_klaviyo_events_of_the_older_api_and_as_csv(home):
    old = {
        "object": "event", "id": "o1", "uuid": "o1", "event_name": "Opened Email", "timestamp": NOON,
        "person": {"email": "bert@example.com", "$first_name": "Bert"},
        "event_properties": {"$flow": "F1", "$message": "M1", "Subject": "Secret"},
    }  # fmt: skip
    home.drop("old.jsonl", json.dumps(old), source="klaviyo")
    home.drop(
        "flat.csv",
        "metric.name,profile.email,attributes.datetime,attributes.uuid,attributes.event_properties.$message\n"
        "Clicked Email,anna+shop@example.com,2026-03-01T13:00:01+01:00,c1,01CAMPAIGN\n",
        source="klaviyo",
    )
    home.load()
    assert events(home) == [
        ("F1", BERT, "opened", "13:00:00", None), ("01CAMPAIGN", ANNA, "clicked", "13:00:01", None),
    ]  # fmt: skip
    assert home.staged("messages").by("campaign_id", "channel") == {"F1": "email", "01CAMPAIGN": "email"}
    assert_nothing_of(home, "Secret", "example.com")


def test_klaviyo_profiles_tell_consents(home):
    home.drop(
        "list.csv",
        "Email,Klaviyo ID,First Name,Email Marketing Consent,Email Marketing Consent Timestamp\n"
        "anna+shop@example.com,01A,Anna,SUBSCRIBED,2026-01-02 10:00:00\n"
        "BERT@example.com,01B,Bert,UNSUBSCRIBED,2026-02-01 23:30:00\n"
        "cleo@example.com,01C,Cleo,NEVER_SUBSCRIBED,\n"
        "dora@example.com,01D,Dora,SUBSCRIBED,\n",
        source="klaviyo",
    )
    assert counts(home.load()["list.csv"]) == (3, 2, 1, 0, 0)
    assert sorted(home.staged("consents").rows("customer_id", "channel", "status", "changed_at")) == sorted(
        [(ANNA, "email", "granted", "2026-01-02T11:00:00"), (BERT, "email", "withdrawn", "2026-02-02T00:30:00")]
    )


# ── Mailchimp ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_mailchimp_opens_and_clicks_have_their_campaign_from_the_name_of_the_file(home):
    opens = "Timestamp,IP,Email\r\n2026-03-01 12:00:01,10.9.8.7,Anna+Shop@example.com\r\n"
    home.drop("granular_activity/opens/1234567_spring-clicks.csv", opens, source="mailchimp")
    home.drop("granular_activity/opens/7654321_autumn.csv", opens, source="mailchimp")
    clicks = "Timestamp,Url,Email\n2026-03-01 12:00:02,https://shop.example/x,bert@example.com\n"
    home.drop("granular_activity/clicks/1234567_spring-clicks.csv", clicks, source="mailchimp")
    home.drop("lying_about/1234567_spring.csv", clicks.replace(":02", ":03"), source="mailchimp")
    home.drop("summer/clicks.csv", clicks.replace(":02", ":04"), source="mailchimp")
    home.load()
    assert events(home) == [
        ("1234567", ANNA, "opened", "13:00:01", None), ("7654321", ANNA, "opened", "13:00:01", None),
        ("1234567", BERT, "clicked", "13:00:02", None), ("1234567", BERT, "clicked", "13:00:03", None),
        ("summer", BERT, "clicked", "13:00:04", None),
    ]  # fmt: skip
    assert_nothing_of(home, "example.com", "10.9.8.7", "https")


def test_a_mailchimp_file_of_which_nothing_tells_what_happened_is_quarantined(home):
    opens = (
        "Timestamp,Email,Url\n2026-03-01 12:00:01,anna@example.com,\nnever,bert@example.com,https://shop.example/x\n"
    )
    home.drop("1234567_spring.csv", opens, source="mailchimp")
    assert counts(home.load()["1234567_spring.csv"]) == (2, 0, 2, 0, 0)
    assert "nothing tells what happened" in home.reasons()[1] and '"Timestamp"' in home.reasons()[2]
    assert_nothing_of(home, "https")


def test_mailchimp_activity_of_the_api(home):
    rows = [
        {"campaign_id": "42694e9e57", "email_address": "bert@example.com", "timestamp": f"2026-03-01T12:00:0{n}+00:00"}
        | {"action": action, "ip": "10.9.8.7", "url": "https://shop.example/x"}
        for n, action in enumerate(["open", "click", "bounce", "note"])
    ]
    home.drop("activity.jsonl", "\n".join(map(json.dumps, rows)), source="mailchimp")
    home.load()
    assert [row[0] for row in events(home)] == ["42694e9e57"] * 3
    assert [row[2] for row in events(home)] == ["opened", "clicked", "bounced"]
    assert_nothing_of(home, "10.9.8.7", "https")


def test_mailchimp_audiences_tell_consents(home):
    header = "Email Address,First Name,MEMBER_RATING,OPTIN_TIME,OPTIN_IP,CONFIRM_TIME"
    home.drop(
        "subscribed_email_audience_export_1.csv",
        f"{header},LAST_CHANGED\nanna+shop@example.com,Anna,2,2026-01-01 09:00:00,10.9.8.7,2026-01-02 10:00:00,\n",
        source="mailchimp",
    )
    home.drop(
        "unsubscribed_email_audience_export_1.csv",
        f"{header},UNSUB_TIME\nbert@example.com,Bert,2,2026-01-01 09:00:00,,,2026-02-01 23:30:00\n"
        "cleo@example.com,Cleo,2,2026-01-01 09:00:00,,,\n",
        source="mailchimp",
    )
    home.drop(
        "cleaned_email_audience_export_1.csv",
        f"{header},CLEAN_TIME\ndora@example.com,Dora,2,2026-01-01 09:00:00,,,2026-02-01 23:30:00\n",
        source="mailchimp",
    )
    outcomes = home.load()
    assert counts(outcomes["unsubscribed_email_audience_export_1.csv"]) == (2, 2, 0, 0, 0)
    assert counts(outcomes["cleaned_email_audience_export_1.csv"]) == (1, 1, 0, 0, 0)
    told = home.staged("consents").by("customer_id", "status")
    assert told.pop(ANNA) == "granted" and told[BERT] == "withdrawn"
    assert list(told.values()) == ["withdrawn"] * 3, "also without a time, and an address that no mail reaches"
    assert home.staged("consents").by("customer_id", "changed_at")[BERT] == "2026-02-02T00:30:00"
    assert home.remarks()["in_doubt"].startswith("1 row that may be withdrawals")
    assert_nothing_of(home, "10.9.8.7")


# ── Google Analytics ──────────────────────────────────────────────────────────────────────────────────────────────────


def analytics(name: str, seconds: int, session: int | None = 5, **more: Any) -> dict[str, Any]:
    """An event as it comes in JSON lines of BigQuery: whole numbers are texts, what is null is left out."""
    params = [{"key": "page_location", "value": {"string_value": "https://shop.example/secret"}}]
    params += [{"key": "ga_session_id", "value": {"int_value": str(session)}}] if session else []
    given = {
        "event_date": "20260301", "event_timestamp": str((NOON + seconds) * 1_000_000 + 250_000), "event_name": name,
        "event_params": params, "user_pseudo_id": "77.88", "device": {"category": "mobile"}, "batch_event_index": "1",
    }  # fmt: skip
    return given | more


VISIT = [
    analytics("session_start", 0, collected_traffic_source={"manual_source": "newsletter", "manual_medium": "email",
              "manual_campaign_name": "spring"}),
    analytics("view_item", 1, user_id="anna", items=[{"item_id": "HAT"}, {"item_id": "MUG"}]),
    analytics("add_to_cart", 2, user_id="anna", items=[{"item_id": "HAT"}]),
    analytics("begin_checkout", 3, user_id="anna", items=[{"item_id": "HAT"}]),
    analytics("purchase", 4, user_id="anna", ecommerce={"transaction_id": "O1"}, items=[{"item_id": "HAT"}]),
    analytics("page_view", 5, session=None), analytics("page_view", 6, user_pseudo_id=None),
]  # fmt: skip
SEEN = [
    ("other", None, None, None, "newsletter", "email", "spring"),
    ("product_view", "anna", "HAT", None, None, None, None),
    ("add_to_cart", "anna", "HAT", None, None, None, None), ("checkout", "anna", None, None, None, None, None),
    ("purchase", "anna", None, "O1", None, None, None),
]  # fmt: skip


@pytest.mark.parametrize("ending", ["json", "parquet"])
def test_google_analytics_events_are_visits(home, ending):
    file = home.drop(f"events_20260301.{ending}", "\n".join(map(json.dumps, VISIT)), source="google_analytics")
    if ending == "parquet":
        import duckdb

        lines = file.with_name(".lines.json")
        file.rename(lines)
        duckdb.sql(f"COPY (FROM read_json('{lines}', format = 'newline_delimited')) TO '{file}'")
    assert counts(home.load()[file.name]) == (5, 5, 0, 0, 0)
    names = "event, customer_id, product_id, order_id, source, medium, campaign_id"
    found = home.select(f"SELECT {names} FROM staging.web_events ORDER BY happened_at").frame.rows()
    assert found == SEEN
    assert set(home.staged("web_events").rows("visit_id")) == {("77.88.5",)}
    assert (
        home.select("SELECT min(happened_at) AS first FROM staging.web_events").one("first")
        == "2026-03-01T13:00:00.250000"
    )
    assert home.remarks()["no_visit"].startswith("2 rows left out: events without user_pseudo_id or ga_session_id")
    assert_nothing_of(home, "shop.example", "mobile")
    home.drop(f"again.{ending}", file.read_bytes() + b"", source="google_analytics")
    home.load()
    assert len(home.staged("web_events")) == 5


def test_google_analytics_events_that_do_not_fit_keep_no_address(home):
    bad = analytics("view_item", 0, event_timestamp="soon", items=None)
    home.drop("events.json", json.dumps(bad) + "\n" + json.dumps(VISIT[1]), source="google_analytics")
    assert counts(home.load()["events.json"]) == (2, 1, 1, 0, 0)
    assert 'column "event_timestamp"' in home.reasons()[1]
    assert_nothing_of(home, "shop.example", "mobile")


# ── all of them ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("label", "row"),
    [
        ("sendgrid.messages", sendgrid("open", 1, "e1")), ("brevo.messages", brevo("opened", 1)),
        ("klaviyo.messages", klaviyo("Opened Email", 1, "a")), ("google_analytics.web_events", VISIT[1]),
        ("mailchimp.messages", {"Timestamp": "2026-03-01 12:00:00", "Email": "a@example.com", "Url": "https://x"}),
    ],
)  # fmt: skip
def test_inspect_recognises_each_of_them(tmp_path, label, row):
    from pipeline.ingest.inspection import inspect
    from pipeline.settings import Settings

    file = tmp_path / "events.json"
    file.write_text(json.dumps([row], indent=2))
    found = inspect(file, Settings(home=tmp_path, id_key=KEY))
    assert found.source is not None and (found.source.label, found.problem) == (label, None)
    assert found.loaded is not None and found.loaded.accepted == 1


@pytest.mark.parametrize("column", ["Event", "Metric", "Campaign Name", "Profile ID"])
def test_events_of_another_service_are_not_taken_for_mailchimps(tmp_path, column):
    from pipeline.ingest.inspection import inspect
    from pipeline.settings import Settings

    file = tmp_path / "opens.csv"
    file.write_text(f"Email,Timestamp,{column}\na@example.com,2026-03-01 12:00:00,x\n")
    found = inspect(file, Settings(home=tmp_path, id_key=KEY))
    assert found.source is None or found.source.name == "klaviyo"


# ── whose they are ────────────────────────────────────────────────────────────────────────────────────────────────────

PEOPLE = """customer_id,registered_at,updated_at,email
1,2026-01-01,2026-01-01,Anna+Shop@example.com
2,2026-01-01,2026-01-01,bert@example.com
"""


def linked(home: Home) -> list[tuple[Any, ...]]:
    """(customer, event) of messages, as tables see them."""
    return home.select(with_features("SELECT customer_id, event FROM features.customer_messages")).rows()


def write_to(home: Home, *addresses: str) -> None:
    rows = [brevo("delivered", n, email=address) for n, address in enumerate(addresses)]
    home.drop("brevo.jsonl", "\n".join(map(json.dumps, rows)), source="brevo")


def test_messages_by_address_are_those_of_the_customer_with_the_address(home):
    """Orders know customer 1, messages her address: the export customers knows both. Carl has none of either."""
    home.lines("orders.csv", "o1,1,2026-02-01,10")
    home.drop("people.csv", PEOPLE)
    write_to(home, "anna+shop@EXAMPLE.com", "carl@example.com")
    home.load()
    assert home.select("SELECT * FROM ingest.aliases").rows() == [(ANNA, "1", 1)]
    assert linked(home) == [("1", "delivered"), (sha("carl@example.com"), "delivered")]
    assert home.remarks()["known_by_address"].startswith(
        "1 event found the customer by the e-mail address; 0 have an address of several customers and are nobody's; 1"
    )
    assert_nothing_of(home, "example.com")


def test_an_address_of_two_customers_is_nobodys_until_one_has_another(home):
    home.drop("people.csv", PEOPLE.replace("bert@example.com", "anna+shop@example.com"))
    write_to(home, "anna+shop@example.com")
    home.load()
    assert home.select("SELECT * FROM ingest.aliases").rows() == [(ANNA, "1", 2), (ANNA, "2", 2)]
    assert linked(home) == [(ANNA, "delivered")]
    assert (
        "0 events found the customer by the e-mail address; 1 have an address of" in home.remarks()["known_by_address"]
    )
    home.drop("newer.csv", PEOPLE.replace("26-01-01,b", "26-03-01,b"))
    home.load()
    assert linked(home) == [("1", "delivered")]


def test_an_id_by_address_that_orders_have_as_well_stays(home):
    """A shop that knows people by their address everywhere: nothing is linked, and nothing is told."""
    home.lines("orders.csv", f"o1,{ANNA},2026-02-01,10")
    home.drop("people.csv", PEOPLE)
    write_to(home, "anna+shop@example.com")
    home.load()
    assert home.select("SELECT * FROM ingest.aliases").rows() == []
    assert linked(home) == [(ANNA, "delivered")] and "known_by_address" not in home.remarks()


def test_consents_by_the_address_of_several_are_taken_back_by_each_and_given_by_none(home):
    home.drop("people.csv", PEOPLE.replace("bert@example.com", "anna+shop@example.com"))
    told = "customer_id,purpose,channel,status,changed_at"
    given, taken = (f"{ANNA},marketing,{way},{said},2026-02-01" for way, said in (("email", "yes"), ("sms", "no")))
    home.drop("consents.csv", "\n".join((told, given, taken)) + "\n")
    home.load()
    consents = home.select(with_features("SELECT customer_id, channel, status FROM features.customer_consents"))
    assert consents.rows() == [("1", "sms", "withdrawn"), ("2", "sms", "withdrawn"), (ANNA, "email", "granted")]
