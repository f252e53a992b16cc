"""marts.lifecycle_thresholds: learnt where silence tells something, else stand-ins; or as set."""

import pytest
from shop import all_tables

LIMITS = "marts.lifecycle_thresholds"
DAYS = ("customer_kind", "defecting_days", "defecting_status", "inactive_days", "inactive_status")


@pytest.fixture
def half_come_back(shop):
    # 240 customers of 1 January, of whom 120 buy again after ten days and then never: of one-time customers half buy
    # within 90 days, and nobody who has been silent for ten; of repeat customers nobody does.
    for number in range(240):
        shop.orders(f"c{number}", "2026-01-01", *(["2026-01-11"] if number % 2 else []))
    return shop


def test_limits_are_learnt_where_the_chance_falls(half_come_back):
    found = half_come_back.table(LIMITS)
    assert found.rows(*DAYS) == [
        ("one-time", 10, "learnt", 10, "learnt"),
        ("repeat", 180, "not_reached", 365, "not_reached"),
    ]
    assert found.by("customer_kind", "chance_at_0") == {"one-time": 0.5, "repeat": 0.0}
    assert found.rows("customer_kind", "silences", "customers") == [("one-time", 240, 240), ("repeat", 120, 120)]


def test_intervals_are_of_the_learnt_limit(half_come_back):
    # Whoever is drawn, those who come back do so on day 10, and that is the limit in every draw.
    found = half_come_back.table(LIMITS)
    ends = ("defecting_low", "defecting_high", "inactive_low", "inactive_high")
    assert found.where(customer_kind="one-time").rows(*ends) == [(10, 10, 10, 10)]
    assert found.where(customer_kind="repeat").rows(*ends) == [(None, None, None, None)]


def test_what_is_set_stands(half_come_back):
    half_come_back.with_settings(lifecycle={"defecting_days": 60, "inactive_days": 200})
    found = half_come_back.table(LIMITS)
    assert found.rows(*DAYS) == [("one-time", 60, "set", 200, "set"), ("repeat", 60, "set", 200, "set")]
    assert found.rows("defecting_low", "inactive_high") == [(None, None)] * 2


def test_the_other_limit_gives_way_to_one_that_is_set(half_come_back):
    half_come_back.with_settings(lifecycle={"inactive_days": 90})
    assert half_come_back.table(LIMITS).rows(*DAYS) == [
        ("one-time", 10, "learnt", 90, "set"), ("repeat", 90, "not_reached", 90, "set"),
    ]  # fmt: skip
    half_come_back.with_settings(lifecycle={"defecting_days": 400})
    assert half_come_back.table(LIMITS).rows(*DAYS) == [
        ("one-time", 400, "set", 400, "learnt"), ("repeat", 400, "set", 400, "not_reached"),
    ]  # fmt: skip


def test_a_shop_without_customers_has_stand_ins(shop):
    found = shop.table(LIMITS)
    assert found.rows(*DAYS) == [
        ("one-time", 180, "not_reached", 365, "not_reached"), ("repeat", 180, "not_reached", 365, "not_reached"),
    ]  # fmt: skip
    assert found.rows("silences", "customers", "chance_at_0", "defecting_low") == [(0, 0, None, None)] * 2


def test_a_limit_few_draws_reach_has_an_open_end(shop):
    # 110 customers, watched long enough by a hair: draws with fewer than 100 of those who stay away know no limit.
    for number in range(220):
        shop.orders(f"c{number}", "2026-01-01", *(["2026-01-11"] if number % 2 else []))
    one_time = shop.table(LIMITS).where(customer_kind="one-time")
    assert one_time.rows("defecting_days", "defecting_low", "defecting_high") == [(10, 10, None)]
    assert shop.table(LIMITS).rows() == shop.table(LIMITS).rows()


def test_limits_that_cross_are_refused(half_come_back):
    half_come_back.snapshot("2026-12-31", LIMITS)
    half_come_back.engine.execute(f"UPDATE {LIMITS} SET defecting_days = 900")
    assert half_come_back.failing_checks(LIMITS, "2026-12-31") == {"defecting_comes_first"}
    half_come_back.engine.execute(f"DELETE FROM {LIMITS}")
    assert half_come_back.failing_checks(LIMITS, "2026-12-31") == {"both_kinds_have_limits"}


def test_the_header_names_what_the_step_reads():
    assert all_tables()[LIMITS].reads == {"staging.occasions"}
