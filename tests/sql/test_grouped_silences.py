"""features.grouped_silences: the silences of features.silences, by what rhythm tells apart."""

import datetime as dt

import pytest
from shop import Rows

from pipeline.tables.catalog import features

QUERIES = features()
END = "2026-12-31"


def ask(shop, day=END, name="features.grouped_silences"):
    shop.table("marts.rfm_segments", day)
    shop.table("marts.lifecycle_stages", day)
    return Rows(shop.engine.read(QUERIES[name].select, {"snapshot_date": dt.date.fromisoformat(day)}))


@pytest.fixture
def limited(shop):
    """Limits are set: silent for 30 days is defecting, for 60 inactive."""
    return shop.with_settings(lifecycle={"defecting_days": 30, "inactive_days": 60})


def test_each_grouping_by_hand(limited):
    # Anna: 10 days, then 40 (found defecting, by one day less it would be active), then silent for 20.
    limited.orders("anna", "2026-10-22", "2026-11-01", "2026-12-11")
    rows = ask(limited)
    assert rows.where(grouping="order_number").rows("group_name", "days", "ended", "silences") == [
        ("1", 10, True, 1), ("2", 40, True, 1), ("3", 20, False, 1),
    ]  # fmt: skip
    assert rows.where(grouping="found").rows("group_name", "days") == [
        ("active", 40), ("defecting", 20), ("first-time", 10),
    ]  # fmt: skip
    assert rows.where(grouping="cohort").rows("group_name", "days") == [("2026-Q4", 10)]
    assert rows.where(grouping="stage").rows("group_name", "days") == [("active", 10), ("active", 20), ("active", 40)]
    assert {row[0] for row in rows.where(grouping="segment").rows("group_name")} == {"hibernating"}


@pytest.mark.parametrize(("gap", "found"), [(29, "active"), (30, "defecting"), (59, "defecting"), (60, "inactive")])
def test_a_purchase_finds_its_customer_in_a_stage(limited, gap, found):
    again = dt.date(2026, 9, 1) + dt.timedelta(days=gap)
    limited.orders("anna", "2026-09-01", again.isoformat())
    assert ask(limited).where(grouping="found", ended=False).one("group_name") == found


def test_a_purchase_finds_a_frequent_shopper_under_limits_of_own_gaps(shop):
    # No limit is reached in a shop of one. Gaps 7, 7, 25, 7, 50: the median is 7, the limits are 21 and 42. The first
    # gap is that of a one-time customer.
    shop.orders("anna", "2026-09-01", "2026-09-08", "2026-09-15", "2026-10-10", "2026-10-17", "2026-12-06")
    found = ask(shop).where(grouping="found").rows("group_name", "days")
    assert sorted(found) == [
        ("active", 7), ("active", 25), ("active", 50), ("defecting", 7), ("first-time", 7), ("inactive", 25),
    ]  # fmt: skip


def test_a_silence_of_730_days_is_too_old(limited):
    # 31 December 2024 is 730 days before the end of 2026, 1 January 2025 is 729.
    limited.orders("anna", "2024-12-31").orders("bert", "2025-01-01")
    assert ask(limited).where(grouping="order_number").rows("days") == [(729,)]


def test_a_gap_that_began_earlier_still_tells_how_a_purchase_found_its_customer(limited):
    limited.orders("anna", "2024-12-01", "2025-01-15")
    rows = ask(limited)
    assert rows.where(grouping="found").rows("group_name") == [("defecting",)]
    assert len(rows.where(grouping="cohort")) == 0


def test_leads_have_no_silence(limited):
    limited.registered("lea", on="2026-01-01").orders("anna", "2026-12-15")
    assert ask(limited).where(grouping="stage").rows("group_name") == [("first-time",)]


def test_they_are_the_silences_of_the_other_query(shop):
    """Sixty customers; the same as what the limits are learnt from, and every silence once in each grouping."""
    for number in range(60):
        first = dt.date(2026, 1, 1) + dt.timedelta(days=7 * number % 300)
        days = [first + dt.timedelta(days=number * step % 53 + 1) for step in range(number % 5 + 1)]
        shop.orders(f"c{number}", *sorted({day.isoformat() for day in days}))
    grouped = ask(shop).where(grouping="order_number").rows("group_name", "bucket", "days", "ended", "silences")
    plain = ask(shop, name="features.silences").rows("order_number", "bucket", "days", "ended", "silences")
    assert grouped == sorted(((str(order), *rest) for order, *rest in plain), key=str)
    for grouping in ("found", "stage", "segment"):
        counted = ask(shop).where(grouping=grouping).frame["silences"].sum()
        assert counted == sum(row[-1] for row in plain)
