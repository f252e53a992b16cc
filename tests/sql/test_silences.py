"""features.silences: how long each silence has lasted and whether a purchase ended it, as counts."""

import datetime as dt
import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shop import Rows

from pipeline.tables.catalog import features

QUERY = features()["features.silences"]


def ask(shop, day="2026-12-31"):
    """The silences of a day, when all that happened since has long been booked."""
    shop.table("marts.customer_summary", snapshot_date="2028-12-31")
    return Rows(shop.engine.read(QUERY.select, {"snapshot_date": dt.date.fromisoformat(day)}))


def test_every_occasion_begins_a_silence(shop):
    # 1 December, 11 December (two orders, one occasion), 21 December: 10 days, 10 days, and 10 so far.
    shop.orders("anna", "2026-12-01", "2026-12-11", "2026-12-11", "2026-12-21")
    assert ask(shop).rows("customer_kind", "order_number", "days", "ended", "silences") == [
        ("one-time", 1, 10, True, 1), ("repeat", 2, 10, True, 1), ("repeat", 3, 10, False, 1),
    ]  # fmt: skip


def test_a_silence_is_censored_on_the_day(shop):
    # On 5 December the purchase of the 11th is not known; on the day of the purchase itself no day of silence is over.
    shop.orders("anna", "2026-12-01", "2026-12-11")
    columns = ("order_number", "days", "ended")
    assert ask(shop, "2026-12-05").rows(*columns) == [(1, 4, False)]
    assert ask(shop, "2026-12-11").rows(*columns) == [(1, 10, True), (2, 0, False)]


def test_equal_silences_of_a_bucket_are_counted_together(shop):
    # There are 256 buckets, so that of 300 customers some must share one.
    names = [f"c{number}" for number in range(300)]
    for name in names:
        shop.orders(name, "2026-12-01")
    buckets = {hashlib.md5(name.encode()).hexdigest()[:2] for name in names}
    found = ask(shop)
    assert set(found.frame["bucket"]) == buckets
    assert len(found) == len(buckets) < 300 == found.frame["silences"].sum() == found.frame["customers"].sum()


def test_silences_that_began_730_days_ago_are_too_old(shop):
    # 2026-12-31 is 730 days after 2024-12-31 and 729 after 2025-01-01.
    shop.orders("anna", "2024-12-31", "2025-01-01")
    assert ask(shop).rows("order_number", "days") == [(2, 729)]


def test_a_customer_is_counted_once_in_each_kind(shop):
    # Anna's silences: one as a one-time customer, three as a repeat customer. Of Bert's four the first two are too old.
    shop.orders("anna", "2026-01-01", "2026-02-01", "2026-03-01", "2026-04-01")
    shop.orders("bert", "2024-01-01", "2024-02-01", "2026-03-01", "2026-04-01")
    found = ask(shop).frame
    assert found.filter(customer_kind="one-time")["customers"].sum() == 1
    assert found.filter(customer_kind="repeat")["customers"].sum() == 2


def test_a_cancelled_occasion_is_none_from_then_on(shop):
    shop.orders("anna", "2026-12-01", "2026-12-11").refund("anna-2", on="2026-12-20", amount=10)
    assert ask(shop, "2026-12-19").rows("order_number", "days", "ended") == [(1, 10, True), (2, 8, False)]
    assert ask(shop).rows("order_number", "days", "ended") == [(1, 30, False)]


DAYS = st.integers(0, 900).map(lambda n: (dt.date(2024, 7, 1) + dt.timedelta(days=n)).isoformat())


@settings(max_examples=20)
@given(st.dictionaries(st.sampled_from("abcd"), st.lists(DAYS, min_size=1, max_size=5), max_size=4))
def test_one_open_silence_per_recent_customer(shop, told):
    shop.emptied()
    for customer, days in told.items():
        shop.orders(customer, *days)
    found = ask(shop).frame
    horizon, last = "2025-01-01", "2026-12-31"
    recent = {customer: {day for day in days if horizon <= day <= last} for customer, days in told.items()}
    assert found["silences"].sum() == sum(map(len, recent.values()))
    latest = [max((day for day in days if day <= last), default="") for days in told.values()]
    assert found.filter(ended=False)["silences"].sum() == sum(day >= horizon for day in latest)


@pytest.mark.parametrize("day", ["2023-01-01"])
def test_no_silences_before_the_first_purchase(shop, day):
    assert len(ask(shop.orders("anna", "2026-12-01"), day)) == 0
