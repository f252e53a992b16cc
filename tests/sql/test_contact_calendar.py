"""marts.contact_calendar: one contact of a customer and day, for a reason, by a channel agreed to, within caps."""

import datetime as dt
import itertools

import polars as pl
import pytest
from made_products import fill, put
from shop import all_tables

from pipeline.sections.activation import Contacts
from pipeline.steps.activation.contact_calendar import compute, with_hours, within_caps

CALENDAR = "marts.contact_calendar"
DAY = dt.date(2026, 12, 31)  # a Thursday


def day(number):
    return DAY + dt.timedelta(number)


def planned(shop, **settings):
    """What is planned where anna, in a need and with an item due, and bert are expected to buy from 11 January on."""
    shop.orders("anna", "2026-11-01", "2026-12-01", amount=40).orders("bert", "2026-12-01", amount=90)
    shop.orders("carl", "2026-12-01")  # agreed to nothing
    shop.consent("anna", "granted", on="2026-01-01").consent("bert", "granted", on="2026-01-01", channel="sms")
    shop.with_settings(**settings).table(CALENDAR)
    rows = [
        {"customer_id": customer, "next_purchase_from": day(11), "next_purchase_median": day(20),
         "next_purchase_to": day(40)}
        for customer in ("anna", "bert", "carl")
    ]  # fmt: skip
    put(shop.engine, DAY, "clv_predictions", *rows, status="ok", historic_clv=1)
    due = {"customer_id": "anna", "level": "product", "item": "bulb", "purchases": 2, "last_on": DAY, "status": "ok"}
    fill(
        shop.engine, DAY, "replenishment_due",
        {**due, "mean_gap_days": 11.0, "due_on": day(11), "due_status": "due", "probability_30d": 0.4},
    )  # fmt: skip
    need = {"customer_id": "anna", "rule": "light", "anchor_on": DAY, "stage": "one", "stage_from": DAY, "items": "x"}
    fill(
        shop.engine, DAY, "need_stages",
        {**need, "stage_to": day(30), "next_stage": "two", "next_from": day(30), "observed_customers": 0},
    )  # fmt: skip
    shop.engine.write(all_tables()["marts.customer_360"], DAY)
    frames = compute(shop.engine, shop.engine.settings, DAY, lambda _: None)
    shop.engine.write_frame(all_tables()[CALENDAR], DAY, frames.get("contact_calendar", pl.DataFrame()))
    return shop.show(CALENDAR, "2026-12-31")


def test_one_contact_a_day_for_the_first_of_its_reasons(shop):
    calendar = planned(shop)
    names = ("customer_id", "contact_on", "reason", "about", "channel", "place", "revenue_12_months")
    assert calendar.rows(*names) == [
        ("anna", "2027-01-11", "repeat_due", "bulb", "email", 1, 80),  # and not next_purchase on the same day
        ("anna", "2027-01-30", "need_stage", "two", "email", 2, 80),
        ("bert", "2027-01-11", "next_purchase", None, "sms", 1, 90),
    ]


def test_quiet_days_wait(shop):
    # 11 January 2027 is a Monday, 30 January a Saturday.
    calendar = planned(shop, contacts={"quiet": ["monday", "saturday", "sunday"]})
    anna = calendar.where(customer_id="anna").rows("due_on", "contact_on")
    assert anna == [("2027-01-11", "2027-01-12"), ("2027-01-30", "2027-02-02")]


# Anna came thrice after 21 and once from 15 on, bert is not measured; of all, most come from 9 on.
TIMES = pl.DataFrame(
    [("contact", "anna", 7, 1), ("contact", "anna", 5, 2), ("contact", "carl", 7, 1), ("base", "(all)", 7, 1),
     ("base", "(all)", 3, 2), ("base", "(all)", 0, 3)],
    schema={"scope": pl.String, "id": pl.String, "part": pl.Int64, "rank": pl.Int64}, orient="row",
)  # fmt: skip


def hours(times=TIMES, channel="sms", **quiet):
    """Of anna, bert and carl: from which hour until before which, and whose hours they are."""
    contacts = pl.DataFrame({"customer_id": ["anna", "bert", "carl"], "channel": channel})
    timed = with_hours(contacts, times, Contacts(quiet_hours=quiet)).sort("customer_id")
    return timed.select("from_hour", "to_hour", "hours_of").rows()


def test_hours_are_the_likeliest_of_the_customer_else_of_all_and_never_quiet():
    assert hours() == [(21, 24, "customer"), (21, 24, "all"), (21, 24, "customer")]
    # From 20 on it is quiet: the part from 18 is not whole any more.
    assert hours(sms=(20, 8)) == [(15, 18, "customer"), (9, 12, "all"), (9, 12, "all")]
    assert hours(channel="email", sms=(20, 8))[0] == (21, 24, "customer"), "quiet hours are of their channel"
    assert hours(sms=(3, 23)) == [(0, 3, "all")] * 3
    assert hours(TIMES.clear(), sms=(21, 8)) == [(8, 21, "settings")] * 3
    assert hours(TIMES.clear(), sms=(12, 14)) == [(0, 12, "settings")] * 3
    assert hours(TIMES.clear()) == [(0, 24, "settings")] * 3


def test_no_hour_is_quiet_whatever_the_quiet_hours_are():
    refused = 0
    for first, end in itertools.product(range(24), range(25)):
        is_quiet = {hour % 24 for hour in range(first, end if end > first else end + 24)}
        try:
            found = [*hours(sms=(first, end)), *hours(TIMES.clear(), sms=(first, end))]
        except ValueError:
            refused += 1
            assert not any(is_quiet.isdisjoint(range(start, start + 3)) for start in range(0, 24, 3))
            continue
        assert all(since < until and is_quiet.isdisjoint(range(since, until)) for since, until, _ in found)
    assert 24 < refused < 200


def test_the_calendar_has_hours(shop):
    calendar = planned(shop, contacts={"quiet_hours": {"email": [20, 9]}})
    assert set(calendar.rows("channel", "from_hour", "to_hour", "hours_of")) == {
        ("email", 9, 20, "settings"), ("sms", 0, 24, "settings"),
    }  # fmt: skip


def test_who_objected_or_is_left_alone_is_not_planned_for(shop):
    assert set(planned(shop.objection("anna", on="2026-12-31")).rows("customer_id")) == {("bert",)}
    shop.orders("anna", "2026-12-02").with_settings(holdout_share=0.9999)
    assert len(planned(shop, holdout_share=0.9999)) == 0


def test_messages_of_late_count_towards_the_cap(shop):
    # Of 30 days up to 11 January the message of 20 December is one, of those up to 30 January it is not.
    shop.message("spring", "anna", "sent", at="2026-12-20T09:00", channel="email")
    calendar = planned(shop, contacts={"email": 1})
    assert calendar.where(customer_id="anna").rows("contact_on") == [("2027-01-30",)]


def test_places_of_a_day_go_to_who_has_most_at_stake(shop):
    calendar = planned(shop, contacts={"most_a_day": 1})
    assert calendar.rows("customer_id", "contact_on") == [("anna", "2027-01-30"), ("bert", "2027-01-11")]


# ── caps ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

SENT = {"customer_id": pl.String, "channel": pl.String, "happened_on": pl.Date, "messages": pl.Int64}


def kept(planned_for, sent=(), channel="email", **caps):
    """On which of these days ahead anna is written to."""
    due = pl.DataFrame({
        "customer_id": "anna", "channel": channel, "revenue_12_months": 1,
        "contact_on": [day(number) for number in planned_for],
    })  # fmt: skip
    told = pl.DataFrame([("anna", *row) for row in sent], schema=SENT, orient="row")
    return [(on - DAY).days for on in within_caps(due, told, Contacts(**caps))["contact_on"]]


@pytest.mark.parametrize(
    ("caps", "expected"),
    [
        ({"most": 1}, [1, 31, 61]),  # of the 30 days from 2 to 31 the first is not one
        ({"email": 2, "most": 9}, [1, 30, 31, 61, 62]),
        ({"sms": 1}, [1, 30, 31, 61, 62]),
        ({"most": 1, "days": 1}, [1, 30, 31, 61, 62]),
    ],
)
def test_rolling_days(caps, expected):
    assert kept([1, 30, 31, 61, 62], **caps) == expected


def test_what_another_channel_sent_counts_for_all_of_them_only():
    assert kept([1, 2], [("sms", DAY, 3)], most=4, email=4) == [1]
    assert kept([1, 2], [("sms", DAY, 3)], most=9, email=1) == [1]
    assert kept([1], [(None, DAY, 9)], most=9) == []
