"""Exports of messages as services write them when something went wrong: each is right in the tables, or said."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from drop_folder import Home, counts
from shop import Rows, build

from pipeline.reporting.attention import odd_messages

EVENTS = "campaign_id,customer_id,event,happened_at"
FUNNEL, PERFORMANCE, UPLIFT = "marts.campaign_funnel", "marts.campaign_performance", "marts.campaign_uplift"
CREDITS, ENGAGEMENT = "marts.order_credits", "marts.engagement"
DAY = "2026-03-31"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with ExitStack() as opened:
        yield Home(tmp_path, opened)


def table(home: Home, name: str, day: str = DAY) -> Rows:
    build(home.engine, dt.date.fromisoformat(day), name)
    return Rows(
        home.engine.read(f"SELECT * FROM {name} WHERE snapshot_date = $day", {"day": dt.date.fromisoformat(day)})
    )


def said(home: Home, day: str = DAY) -> list[str]:
    table(home, PERFORMANCE, day)
    return list(odd_messages(lambda sql: home.engine.read(sql, {"snapshot_date": dt.date.fromisoformat(day)})))


def campaign(home: Home, sent: str = "2026-03-01 09:00:00", **more: str) -> None:
    header = ",".join(("campaign_id,channel,sent_at", *more))
    home.lines("campaigns.csv", ",".join(("c1,email", sent, *more.values())), header=header)


def stages(rows: Rows) -> dict[str, int | None]:
    return rows.where(campaign_id="c1").by("stage", "contacts")


def test_clicks_without_sends_were_sent_and_delivered(home):
    campaign(home)
    home.lines("clicks.csv", "c1,anna,clicked,2026-03-02 10:00:00", header=EVENTS)
    home.lines("orders.csv", "o1,anna,2026-03-03,30.00")
    home.load()
    assert {name: stages(table(home, FUNNEL))[name] for name in ("sent", "delivered", "opened", "clicked")} == {
        "sent": 1, "delivered": 1, "opened": 1, "clicked": 1,
    }  # fmt: skip
    row = table(home, PERFORMANCE).where(campaign_id="c1", model="last_touch", eligibility="click")
    assert row.rows("messages", "revenue_exact", "is_final") == [(1, 30, None)], "nobody knows when the last went out"
    assert said(home) == []


def test_two_exports_that_overlap_count_each_event_once(home):
    """Daily files that each begin an hour before the last one ended."""
    campaign(home)
    sent, click = "c1,anna,sent,2026-03-01 09:00:00", "c1,anna,clicked,2026-03-01 23:30:00"
    home.lines("day1.csv", sent, click, header=EVENTS)
    home.lines("day2.csv", click, "c1,anna,clicked,2026-03-02 08:00:00", header=EVENTS)
    home.load()
    assert len(home.staged("messages")) == 3
    assert table(home, FUNNEL).where(stage="clicked").one("contacts") == 1
    assert table(home, ENGAGEMENT).rows("actions_365d", "delivered", "clicked") == [(1, 1, 1)]


def test_events_before_their_campaign_are_said(home):
    campaign(home, sent="2026-03-05 09:00:00")
    home.lines("a.csv", "c1,anna,sent,2026-03-01 09:00:00", "c1,bert,sent,2026-03-05 09:00:00", header=EVENTS)
    home.load()
    assert table(home, PERFORMANCE).where(campaign_id="c1", model="linear", eligibility="open").rows(
        "messages", "out_of_order"
    ) == [(2, 1)]
    (sentence,) = said(home)
    assert sentence.startswith("1 message has events out of order: ")


def test_sends_in_local_time_and_clicks_in_utc_are_said_unless_they_say_so_themselves(home):
    home.settings["timezone"] = "Europe/Warsaw"
    campaign(home, sent="2026-03-01 00:30:00")
    home.lines("sent.csv", *(f"c1,{name},sent,2026-03-01 00:30:00" for name in ("anna", "bert", "cleo")), header=EVENTS)
    # Five minutes after they were sent: told as UTC, and not told to be.
    home.lines("told.csv", "c1,anna,clicked,2026-02-28T23:35:00Z", header=EVENTS)
    home.lines("untold.csv", "c1,bert,clicked,2026-02-28 23:35:00", "c1,cleo,opened,2026-02-28 23:35:00", header=EVENTS)
    home.load()
    row = table(home, PERFORMANCE).where(campaign_id="c1", model="linear", eligibility="open")
    assert row.one("out_of_order") == 2
    (sentence,) = said(home)
    assert "another zone without saying so: set timezone for its source" in sentence
    home.emptied()
    home.settings["dialects"] = {"perennial.messages": {"timezone": "UTC"}}
    home.drop("sent.csv", "campaign_id,customer_id,event,happened_at\nc1,bert,sent,2026-02-28 23:30:00\n")
    home.load()
    assert said(home) == [], "as the sentence says"


def test_times_with_and_without_an_offset_in_one_column_are_each_right_and_remarked_on(home):
    home.settings["timezone"] = "Europe/Warsaw"
    both = ("c1,anna,clicked,2026-07-01T22:30:00Z", "c1,bert,clicked,2026-07-01 22:30:00")
    home.lines("both.csv", *both, header=EVENTS)
    home.load()
    assert home.staged("messages").by("customer_id", "happened_on") == {"anna": "2026-07-02", "bert": "2026-07-01"}
    assert home.remarks()["mixed_offsets"] == (
        'column "happened_at": some times have an offset such as Z, others none. Those without are taken for times of '
        "Europe/Warsaw; if they are not, export them with their offset."
    )
    home.emptied()
    home.lines("both.csv", both[0], "c1,bert,assigned,", "c1,cleo,clicked,2026-07-02T01:00:00+02:00", header=EVENTS)
    home.load()
    assert "mixed_offsets" not in home.remarks()


def test_campaigns_nobody_knows_have_five_days_and_are_said(home):
    home.lines("a.csv", "c9,anna,clicked,2026-03-01 10:00:00", "c9,bert,clicked,2026-03-01 10:00:00", header=EVENTS)
    home.lines("orders.csv", "o1,anna,2026-03-06,30.00", "o2,bert,2026-03-07,50.00")
    home.load()
    row = table(home, PERFORMANCE).where(campaign_id="c9", model="last_touch", eligibility="click")
    assert row.rows("is_told_of", "window_days", "revenue_exact") == [(False, 5, 30)]
    assert set(table(home, UPLIFT).frame["sample_ratio"]) == {"unknown"}
    assert said(home)[0].startswith("1 campaign has messages, but no row in the export campaigns: ")


def test_control_members_who_got_a_message_stay_where_they_were_and_are_said(home):
    """kurt was assigned to nothing, was sent the mailing all the same, clicked and bought."""
    campaign(home, control_share="0.5")
    home.lines(
        "a.csv", "c1,anna,assigned,,treated", "c1,kurt,assigned,,control", "c1,kurt,sent,2026-03-01 09:00:00,",
        "c1,kurt,clicked,2026-03-01 10:00:00,", header=f"{EVENTS},group_name",
    )  # fmt: skip
    home.lines("orders.csv", "o1,kurt,2026-03-02,30.00")
    home.load()
    rows = table(home, UPLIFT).where(metric="conversion")
    assert rows.rows("treated", "control", "contaminated", "control_mean") == [(1, 1, 1, 1)]
    assert len(table(home, CREDITS)) == 0
    assert stages(table(home, FUNNEL))["sent"] == 0
    assert said(home) == [
        "1 control member was sent a message after all. Who was assigned stays in the control group, which makes "
        "effects look smaller: correct the list that is written to."
    ]


def test_a_line_that_was_cut_costs_itself_and_what_comes_after_it_in_the_next_file_counts(home):
    campaign(home)
    line = '{"campaign_id": "c1", "customer_id": "%s", "event": "%s", "happened_at": "2026-03-0%sT10:00:00"}\n'
    cut, rest = (line % ("bert", "clicked", 2))[:60], (line % ("bert", "clicked", 2))[60:]
    home.drop("hook-1.jsonl", line % ("anna", "sent", 1) + line % ("anna", "clicked", 2) + cut)
    home.drop("hook-2.ndjson", rest + line % ("cleo", "clicked", 2))
    outcomes = home.load()
    assert [counts(outcomes[name])[:3] for name in ("hook-1.jsonl", "hook-2.ndjson")] == [(3, 2, 1), (2, 1, 1)]
    assert set(home.select("SELECT reasons FROM ingest.quarantine").rows("reasons")) == {
        ("the JSON object breaks off; fetch the file again",),
        ("the line is no JSON object",),
    }
    assert stages(table(home, FUNNEL))["clicked"] == 2
    home.drop("hook-again.jsonl", line % ("bert", "clicked", 2))
    home.load()
    assert stages(table(home, FUNNEL))["clicked"] == 3


def test_what_is_dated_after_the_day_is_not_known_on_it(home):
    """The open, the order, the withdrawal and the end of the subscription come later; so does a mailing whose members
    are drawn already."""
    campaign(home)
    home.lines("campaigns2.csv", "c2,email,2026-04-20 09:00:00,0.5", header="campaign_id,channel,sent_at,control_share")
    home.lines(
        "a.csv", "c1,anna,sent,2026-03-01 09:00:00,", "c1,anna,clicked,2026-03-02 09:00:00,",
        "c1,anna,opened,2026-04-01 09:00:00,", "c1,anna,unsubscribed,2026-04-01 09:00:00,",
        "c2,anna,assigned,2026-03-02 09:00:00,treated", "c2,kurt,assigned,2026-03-02 09:00:00,control",
        header=f"{EVENTS},group_name",
    )  # fmt: skip
    home.lines(
        "consents.csv", "anna,email,granted,2026-01-01", "anna,email,withdrawn,2026-04-01",
        header="customer_id,channel,status,changed_at",
    )  # fmt: skip
    home.lines("orders.csv", "o1,anna,2026-03-04,30.00", "o2,kurt,2026-04-21,30.00")
    home.load()
    assert table(home, ENGAGEMENT).where(customer_id="anna").rows("level", "email_consent", "last_action_on") == [
        ("engaged", True, "2026-03-02")
    ]
    assert set(table(home, UPLIFT).frame["campaign_id"]) == {"c1"}, "nobody has been sent c2 or kept from it"
    assert said(home) == []
    later = table(home, UPLIFT, "2026-05-31").where(campaign_id="c2", metric="conversion")
    assert later.rows("status", "treated", "control", "control_mean") == [("known", 1, 1, 1)]
    assert table(home, ENGAGEMENT, "2026-05-31").where(customer_id="anna").rows("level", "email_consent") == [
        ("unreachable", False)
    ]
