"""Messages, campaigns and consents: told apart by their columns, completed, counted once, and what is wrong of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from drop_folder import Home, counts

from pipeline.simulator.shop import Shop
from pipeline.simulator.writing import simulate

EVENTS = "campaign_id,customer_id,event,happened_at"
CAMPAIGNS = "campaign_id,channel"
CONSENTS = "customer_id,channel,status,changed_at"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with ExitStack() as opened:
        yield Home(tmp_path, opened)


# ── messages ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_later_file_of_clicks_leaves_the_sends_of_an_earlier_one(home):
    home.lines("sent.csv", "c1,anna,sent,2026-01-02 10:00:00", "c1,bert,sent,2026-01-02 10:00:00", header=EVENTS)
    home.load()
    home.lines("clicks.csv", "c1,anna,clicked,2026-01-03 09:00:00", header=EVENTS)
    home.load()
    assert home.staged("messages").rows("customer_id", "event", "happened_on") == [
        ("anna", "clicked", "2026-01-03"), ("anna", "sent", "2026-01-02"), ("bert", "sent", "2026-01-02"),
    ]  # fmt: skip


def test_an_event_that_two_exports_or_one_tell_counts_once(home):
    click = "c1,anna,clicked,2026-01-03 09:00:00"
    home.lines("day1.csv", click, click, "c1,anna,clicked,2026-01-03 09:00:01", header=EVENTS)
    assert counts(home.load()["day1.csv"]) == (3, 2, 0, 0, 1)
    home.lines("day2.csv", click, "c1,anna,Clicked,2026-01-04 09:00:00", header=EVENTS)
    home.load()
    assert home.staged("messages").rows("event", "happened_at") == [
        ("clicked", "2026-01-03T09:00:00"), ("clicked", "2026-01-03T09:00:01"), ("clicked", "2026-01-04T09:00:00"),
    ]  # fmt: skip


def test_a_campaign_writes_to_a_customer_once_unless_its_messages_are_numbered(home):
    home.lines("plain.csv", "c1,anna,sent,2026-01-02", "c1,anna,opened,2026-01-03", header=EVENTS)
    home.lines("steps.csv", "c2,anna,sent,2026-01-02,m1", "c2,anna,sent,2026-01-02,m2", header=f"{EVENTS},message_id")
    home.load()
    found = home.staged("messages").rows("campaign_id", "message_id")
    assert len({message for campaign, message in found if campaign == "c1"}) == 1
    assert [message for campaign, message in found if campaign == "c2"] == ["m1", "m2"]


def test_a_machine_and_a_person_who_open_in_the_same_second_are_two_events(home):
    at = "2026-01-02 10:00:00"
    home.lines(
        "opens.csv", f"c1,anna,opened,{at},true,Email", f"c1,anna,opened,{at},false,Email", f"c1,anna,clicked,{at},,",
        header=f"{EVENTS},is_machine,channel",
    )  # fmt: skip
    home.load()
    assert home.staged("messages").rows("event", "is_machine", "channel", "group_name") == [
        ("clicked", None, None, "treated"), ("opened", False, "email", "treated"), ("opened", True, "email", "treated"),
    ]  # fmt: skip


def test_only_who_was_assigned_may_go_without_a_time(home):
    home.lines(
        "lots.csv", "c1,anna,assigned,,control", "c1,bert,sent,,treated", "c1,,sent,2026-01-02,treated",
        "c1,cleo,looked at,2026-01-02,treated", "c1,dora,sent,2026-01-02,test",
        header=f"{EVENTS},group_name",
    )  # fmt: skip
    assert counts(home.load()["lots.csv"]) == (5, 1, 4, 0, 0)
    assert home.staged("messages").rows("customer_id", "group_name", "happened_on") == [("anna", "control", None)]
    assert {row: reason.partition(";")[0] for row, reason in home.reasons().items()} == {
        2: 'column "happened_at": an event without its time',
        3: 'column "customer_id" is missing',
        4: 'column "event": "xxxxxx xx" is not one of assigned, bounced, clicked, complained, delivered, opened, sent, '
        "unsubscribed",
        5: 'column "group_name": "xxxx" is not one of control, treated',
    }


def test_addresses_links_and_devices_of_messages_are_nowhere(home):
    home.lines(
        "opens.csv", "c1,anna,opened,2026-01-02,a@example.com,10.0.0.1,https://example.com/x",
        "c1,bert,,,b@example.com,,",
        header=f"{EVENTS},email,ip,url",
    )  # fmt: skip
    assert counts(home.load()["opens.csv"]) == (2, 1, 1, 0, 0)
    kept = str(home.everything())
    assert not [text for text in ("example.com", "10.0.0.1") if text in kept]


def test_times_of_a_service_in_another_zone_become_the_shops(home):
    home.settings["timezone"] = "Europe/Warsaw"
    home.lines("opens.csv", "c1,anna,opened,2026-07-01T22:30:00Z", header=EVENTS)
    home.load()
    assert home.staged("messages").one("happened_on") == "2026-07-02"


# ── campaigns ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_campaign_is_completed_and_counts_as_its_latest_row_tells_it(home):
    header = f"{CAMPAIGNS},campaign_name,sent_at,window_days,cost,updated_at"
    home.lines("new.csv", "c1,Email,Spring,2026-03-01 10:00:00,14,120,2026-03-05", "c2,sms,,,,,", header=header)
    home.lines("old.csv", "c1,email,Spring,2026-03-01 10:00:00,14,80,2026-03-02", header=header)
    home.load()
    columns = (
        "campaign_id",
        "campaign_name",
        "campaign_type",
        "programme",
        "channel",
        "window_days",
        "cost",
        "sent_on",
    )
    assert home.staged("campaigns").rows(*columns) == [
        ("c1", "Spring", "mailing", "Spring", "email", 14, 120, "2026-03-01"),
        ("c2", "c2", "mailing", "c2", "sms", 5, None, None),
    ]
    assert home.ledger().rows("input", "last_ordered_at") == [("campaigns", None), ("campaigns", None)]


def test_what_is_wrong_of_a_campaign_is_quarantined(home):
    header = f"{CAMPAIGNS},campaign_type,sent_at,control_share,cost"
    home.lines(
        "campaigns.csv", "c1,email,newsletter,,,", "c2,email,rule,2026-03-01,,", "c3,email,,,20,", "c4,email,,,,-1",
        "c5,,,,,", "c6,email,,,0.2,9.50",
        header=header,
    )  # fmt: skip
    assert counts(home.load()["campaigns.csv"]) == (6, 1, 5, 0, 0)
    assert {row: reason.split('"')[1] for row, reason in home.reasons().items()} == {
        1: "campaign_type", 2: "sent_at", 3: "control_share", 4: "cost", 5: "channel",
    }  # fmt: skip


def test_what_a_campaign_cost_is_converted(home):
    home.settings["currency"] = "EUR"
    home.drop("2026.csv", "date,currency,rate\n2026-03-01,USD,0.9\n", source="rates")
    header = f"{CAMPAIGNS},sent_at,cost,currency"
    home.lines("campaigns.csv", "c1,email,2026-03-01,100,USD", "c2,email,2026-03-01,100,", header=header)
    home.load()
    assert home.staged("campaigns").by("campaign_id", "cost") == {"c1": 90, "c2": 100}


# ── consents ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_change_of_a_consent_is_kept_once(home):
    home.lines(
        "consents.csv", "anna,Email,Granted,2026-01-02 10:00:00", "anna,email,withdrawn,2026-02-01 10:00:00",
        "anna,email,granted,2026-01-02 10:00:00", "bert,*,withdrawn,2026-01-05 00:00:00",
        header=CONSENTS,
    )  # fmt: skip
    assert counts(home.load()["consents.csv"]) == (4, 3, 0, 0, 1)
    home.lines("again.csv", "anna,email,granted,2026-01-02 10:00:00", header=CONSENTS)
    home.load()
    assert home.staged("consents").rows("customer_id", "purpose", "channel", "status", "changed_on") == [
        ("anna", "marketing", "email", "granted", "2026-01-02"),
        ("anna", "marketing", "email", "withdrawn", "2026-02-01"),
        ("bert", "marketing", "*", "withdrawn", "2026-01-05"),
    ]


def test_a_consent_to_everything_or_without_a_day_is_none(home):
    header = f"{CONSENTS},purpose,proof"
    home.lines(
        "consents.csv", "anna,*,granted,2026-01-02,,10.0.0.1", "bert,email,granted,,,", "cleo,fax,granted,2026-01-02,,",
        "dora,ads,granted,2026-01-02,Ad_User_Data,",
        header=header,
    )  # fmt: skip
    assert counts(home.load()["consents.csv"]) == (4, 1, 3, 0, 0)
    assert home.staged("consents").rows("customer_id", "purpose") == [("dora", "ad_user_data")]
    assert {row: reason.split('"')[1] for row, reason in home.reasons().items()} == {
        1: "channel", 2: "changed_at", 3: "channel",
    }  # fmt: skip
    assert "10.0.0.1" not in str(home.everything())


# ── told apart ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_files_are_told_apart_by_their_columns(home):
    home.lines("a.csv", "c1,anna,sent,2026-01-02,email", header=f"{EVENTS},channel")
    home.lines("b.csv", "c1,email,2026-01-02", header=f"{CAMPAIGNS},sent_at")
    home.lines("c.csv", "anna,email,granted,2026-01-02", header=CONSENTS)
    home.lines("d.csv", "o1,anna,2026-01-02,10,c1", header="order_id,customer_id,ordered_at,amount,campaign_id")
    home.load()
    assert home.ledger().rows("input") == [("campaigns",), ("consents",), ("messages",), ("order_lines",)]


def test_a_file_with_the_columns_of_visits_is_no_export_of_messages(home):
    home.lines("visits.csv", "c1,anna,purchase,2026-01-02,v1", header=f"{EVENTS},visit_id")
    home.load()
    assert home.ledger().rows("input", "accepted") == [("web_events", 1)]


def test_all_that_the_simulator_writes_of_campaigns_is_accepted(home):
    simulate(Shop(customers=300, years=1, seed=2), home.path / "made-up")
    for name in ("messages", "campaigns", "consents"):
        home.drop(f"{name}.csv", (home.path / "made-up" / "exports" / "perennial" / f"{name}.csv").read_bytes())
    outcomes = home.load()
    for name in ("messages", "campaigns", "consents"):
        read, accepted, *others = counts(outcomes[f"{name}.csv"])
        assert read == accepted > 10, name
        assert others == [0, 0, 0], name
