"""marts.recency_activity: what each recency tier bought in the last window beside the one before.

Windows of 10 days in these stories: on 31 January the last is 22 to 31 January, the one before 12 to 21 January.
Three customers who last bought on different days are one in each tier: short, medium, long.
"""

import datetime as dt
from decimal import Decimal

import pytest

ACTIVITY = "marts.recency_activity"
END = "2026-01-31"


@pytest.fixture
def three(shop):
    """Anna bought on the 15th and 30th, Bert on the 12th and 21st, Cleo on the 1st only. On 31 January."""
    shop.with_settings(activity_window_days=10)
    shop.line("a1", on="2026-01-15", customer="anna", amount=10, quantity=2)
    shop.line("a2", on="2026-01-30", customer="anna", amount=50, quantity=3).refund("a2", on="2026-01-31", amount=5)
    shop.line("b1", on="2026-01-12", customer="bert", amount=20).line("b2", on="2026-01-21", customer="bert", amount=30)
    return shop.line("c1", on="2026-01-01", customer="cleo", amount=99)


def test_windows_of_the_setting(three):
    names = ("window_days", "prior_from", "recent_from", "is_covered")
    assert set(three.table(ACTIVITY, END).rows(*names)) == {(10, "2026-01-12", "2026-01-22", True)}


def test_ninety_days_unless_set(shop):
    shop.orders("anna", "2025-01-01")
    rows = shop.table(ACTIVITY, "2026-12-31").rows("window_days", "prior_from", "recent_from")
    assert set(rows) == {(90, "2026-07-05", "2026-10-03")}  # 180 and 90 days that end on 31 December


def test_items_orders_and_revenue_of_both_windows(three):
    activity = three.table(ACTIVITY, END)
    assert activity.rows("recency_tier", "items_prior", "items_recent", "items_change") == [
        ("long", 0, 0, 0), ("medium", 2, 0, -2), ("short", 2, 3, 1),
    ]  # fmt: skip
    assert activity.rows("recency_tier", "orders_prior", "orders_recent", "orders_change") == [
        ("long", 0, 0, 0), ("medium", 2, 0, -2), ("short", 1, 1, 0),
    ]  # fmt: skip
    assert activity.rows("recency_tier", "revenue_prior", "revenue_recent", "revenue_change") == [
        ("long", 0, 0, 0), ("medium", 50, 0, -50), ("short", 10, 45, 35),
    ]  # fmt: skip


def test_pieces_of_void_orders_are_not_sold(three):
    three.line("f1", on="2026-01-30", customer="anna", amount=9, quantity=7, status="cancelled")
    three.line("f2", on="2026-01-15", customer="bert", amount=9, quantity=5).refund("f2", on="2026-01-16", amount=9)
    activity = three.table(ACTIVITY, END)
    assert activity.rows("recency_tier", "items_prior", "items_recent") == [
        ("long", 0, 0),
        ("medium", 2, 0),
        ("short", 2, 3),
    ]


def test_the_windows_share_no_day(shop):
    # 21 January is the last day of the window before, 22 January the first of the last, 11 January of neither.
    shop.with_settings(activity_window_days=10).orders("anna", "2026-01-11", amount=1).orders(
        "anna", "2026-01-12", amount=2
    )
    shop.orders("anna", "2026-01-21", amount=4).orders("anna", "2026-01-22", amount=8).orders("anna", END, amount=16)
    activity = shop.table(ACTIVITY, END).where(customers=1)
    assert activity.rows("items_prior", "items_recent", "orders_prior", "orders_recent") == [(2, 2, 2, 2)]
    assert activity.rows("revenue_prior", "revenue_recent") == [(6, 24)]


def test_shares_are_of_those_who_were_customers_by_the_end_of_the_window(three):
    # Dora came on the 31st: two are short, one of whom was a customer on 21 January, and bought before.
    three.orders("dora", "2026-01-31").with_settings(activity_window_days=10, tiers={"recency_days": (5, 15)})
    activity = three.table(ACTIVITY, END)
    assert activity.where(recency_tier="short").rows(
        "customers", "customers_prior", "active_prior", "active_recent", "active_share_prior", "active_share_recent"
    ) == [(2, 1, 1, 2, 1.0, 1.0)]
    assert activity.where(recency_tier="medium").rows("active_share_recent", "active_share_change") == [(0.0, -1.0)]
    assert activity.where(recency_tier="long").rows("active_share_prior", "active_share_recent") == [(0.0, 0.0)]


def test_a_cancelled_order_is_no_activity(three):
    # Bert's order of the 21st comes back whole on the 25th: his only one left is of the 12th. Its money stays.
    three.refund("b2", on="2026-01-25", amount=30)
    activity = three.table(ACTIVITY, END).where(recency_tier="medium")
    names = ("orders_prior", "active_recent", "revenue_prior", "revenue_recent")
    assert activity.rows(*names) == [(1, 0, 50, -30)]


def test_a_history_that_is_too_short_has_no_changes(shop):
    # The first line is of the 13th, the window before begins on the 12th.
    shop.with_settings(activity_window_days=10).orders("anna", "2026-01-13", "2026-01-30")
    activity = shop.table(ACTIVITY, END)
    assert set(activity.rows("is_covered", "items_change", "active_share_change")) == {(False, None, None)}
    assert sum(activity.frame["items_recent"]) == 1


def test_guests_are_in_no_tier(three):
    three.orders(None, "2026-01-30", amount=1000)
    assert sum(three.table(ACTIVITY, END).frame["revenue_recent"]) == 45


def test_nothing_after_the_snapshot_counts(three):
    before = three.table(ACTIVITY, END).rows()
    three.orders("cleo", "2026-02-01")
    assert three.table(ACTIVITY, END).rows() == before


def test_a_day_without_customers_lists_every_tier(shop):
    activity = shop.table(ACTIVITY, END)
    assert activity.rows("recency_tier", "customers", "active_share_recent", "is_covered") == [
        ("long", 0, None, False), ("medium", 0, None, False), ("short", 0, None, False),
    ]  # fmt: skip


def test_a_customer_who_is_not_counted_is_refused(three):
    three.snapshot(END, ACTIVITY)
    three.engine.execute(f"UPDATE {ACTIVITY} SET customers = customers + 1 WHERE recency_tier = 'long'")
    assert three.failing_checks(ACTIVITY, END) == {"every_customer_in_one_tier"}


def test_more_active_than_there_are_is_refused(three):
    three.snapshot(END, ACTIVITY)
    three.engine.execute(f"UPDATE {ACTIVITY} SET active_recent = customers + 1 WHERE recency_tier = 'long'")
    assert three.failing_checks(ACTIVITY, END) == {"the_active_are_customers"}


def test_a_missing_tier_is_refused(three):
    three.snapshot(END, ACTIVITY)
    three.engine.execute(f"DELETE FROM {ACTIVITY} WHERE recency_tier = 'long'")
    assert three.failing_checks(ACTIVITY, END) == {"every_tier", "every_customer_in_one_tier"}


def test_cdnow_windows_hold_what_their_lines_hold(cdnow_master):
    activity = cdnow_master.table(ACTIVITY)
    end = dt.date(1998, 6, 30)
    recent, prior = end - dt.timedelta(89), end - dt.timedelta(179)
    booked = cdnow_master.select(
        f"""
        SELECT coalesce(sum(amount) FILTER (WHERE ordered_on >= DATE '{recent}'), 0) AS recent,
          coalesce(sum(amount) FILTER (WHERE ordered_on < DATE '{recent}'), 0) AS prior
        FROM staging.order_lines WHERE ordered_on >= DATE '{prior}'
        """
    )
    assert sum(activity.frame["revenue_recent"]) == booked.one("recent") > Decimal(0)
    assert sum(activity.frame["revenue_prior"]) == booked.one("prior") > Decimal(0)
    assert activity.where(recency_tier="long").one("active_recent") == 0
