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
