"""The clock of a shop: stretched days by hand, factors and their evidence, and when a season is unknown."""

import datetime as dt

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.models.clock import EVEN, HORIZONS, Clock, Factor, is_steady
from pipeline.models.nbd import NBD
from pipeline.steps.prediction.inputs import Part, number_customers, year_ago
from pipeline.steps.prediction.season import Season, factors_of, purchases_a_day, unknown

DAY = dt.date(2026, 12, 31)


def test_days_are_stretched_up_to_each_horizon_and_straight_between():
    # 30 days count 60, 90 count 90, 180 count 270, 365 count 365 · 1.5 = 547.5. Day 15: 30; day 60: half way between 60
    # and 90 = 75; day 135: 180; 730 days: twice 547.5.
    clock = Clock((2.0, 1.0, 1.5, 1.5))
    days = np.array([0, 15, 30, 60, 90, 135, 180, 365, 730])
    np.testing.assert_allclose(7 * clock.weeks(days / 7), [0, 30, 60, 75, 90, 180, 270, 547.5, 1095], rtol=1e-12)
    assert clock.week(90 / 7) == pytest.approx(90 / 7)


def test_time_never_runs_back():
    # Of 90 days 60 count (2/3), but the first 30 of them 75: then 90 days count 75, too.
    clock = Clock((2.5, 2 / 3, 1.0, 1.0))
    np.testing.assert_allclose(7 * clock.weeks(np.array([30, 60, 90, 180]) / 7), [75, 75, 75, 180])


def test_without_a_known_year_a_day_is_a_day():
    weeks = np.array([0.0, 1.0, 30 / 7, 100.0, 400.0])
    np.testing.assert_allclose(EVEN.weeks(weeks), weeks, rtol=1e-12)


@given(st.tuples(*[st.floats(1 / 3, 3)] * 4), st.lists(st.floats(0, 200), min_size=2, max_size=20))
def test_any_clock_goes_forward(factors, weeks):
    usual = Clock(factors).weeks(np.sort(weeks))
    assert (np.diff(usual) >= 0).all() and (usual >= 0).all()


@pytest.mark.parametrize(
    ("expected", "actual", "value", "basis"),
    [
        (450.0, 950, 2.0, "a year ago"),  # (950 + 50) / (450 + 50)
        (450.0, 450, 1.0, "a year ago"),
        (50.0, 450, 3.0, "held at the limit"),  # 500 / 100 = 5
        (1450.0, 250, 1 / 3, "held at the limit"),  # 300 / 1500 = .2
        (100.0, 199, 1.0, "too few purchases"),
    ],
)
def test_the_factor_follows_from_a_year_ago(expected, actual, value, basis):
    found = Factor.of(expected, actual)
    assert (found.value, found.basis) == (pytest.approx(value), basis)
    assert found.is_known == (basis != "too few purchases")


@pytest.mark.parametrize(
    ("recent", "steady"), [(0.79, False), (0.8, True), (1.0, True), (1.25, True), (1.26, False)]
)  # fmt: skip
def test_a_shop_is_in_season_beyond_a_fifth_below_or_a_quarter_above(recent, steady):
    assert is_steady(recent, 1.0) == steady
    season = Season(DAY, unknown(), "nbd", recent, 1.0, None)
    assert season.status(30) == ("ok" if steady else "season_unknown")


def test_the_status_of_a_horizon_is_that_of_the_published_one_that_holds_it():
    # Of 30 days too few purchases, of more enough; in season.
    factors = unknown() | {30: Factor.of(9.0, 9)} | {days: Factor.of(450.0, 500) for days in (90, 180, 365)}
    season = Season(DAY, factors, "nbd", 2.0, 1.0, 1.9)
    assert [season.status(days) for days in (30, 31, 90, 182, 365, 730)] == ["season_unknown", *["ok"] * 5]
    assert season.clock == Clock((1.0, 1.1, 1.1, 1.1))
    told = {row["horizon_days"]: (row["basis"], row["recent_ratio"]) for row in season.rows}
    assert told == {days: ("a year ago" if days > 30 else "too few purchases", 2.0) for days in HORIZONS}


def test_purchases_a_day():
    # 3 on the last day, 6 on day 29 before it, 90 on day 30, 266 on day 364, 999 before: 9 / 30 and 365 / 365.
    ago, purchases = [0, 29, 30, 364, 365], [3, 6, 90, 266, 999]
    calendar = pl.DataFrame({"day": [DAY - dt.timedelta(days) for days in ago], "first": purchases, "repeat": 0})
    assert purchases_a_day(calendar, DAY) == (pytest.approx(0.3), pytest.approx(1.0))
    # A shop of 60 days: by the days there are.
    young = pl.DataFrame({"day": [DAY - dt.timedelta(59), DAY], "first": [30, 0], "repeat": [0, 30]})
    assert purchases_a_day(young, DAY) == (1.0, 1.0)


def test_a_year_ago_by_hand(shop):
    # By 2025-12-31 anna has bought twice, bert and cleo once, on the same day. In the 30 days after it anna buys once,
    # bert twice; in 90 anna once more; in 365 cleo once. Dora comes later and is not asked; what is void is not bought.
    shop.orders("anna", "2025-11-01", "2025-12-01", "2026-01-30", "2026-03-31")
    shop.orders("bert", "2025-12-01", "2026-01-01", "2026-01-02", "2026-01-03").refund(
        "bert-4", on="2026-01-05", amount=10
    )
    shop.orders("cleo", "2025-12-01", "2026-12-31").orders("dora", "2026-01-01", "2026-01-05")
    shop.snapshot("2026-12-31")
    found = year_ago(shop.engine, dt.date(2025, 12, 31), DAY)
    keys = ("frequency", "active_span_days", "age_days", "customers")
    assert found.select(*keys, *(f"later_{days}" for days in HORIZONS)).rows() == [
        (0, 0, 30, 2, 2, 2, 2, 3), (1, 30, 60, 1, 1, 2, 2, 2),
    ]  # fmt: skip
    number_customers(shop.engine, DAY)
    parts = pl.concat(year_ago(shop.engine, dt.date(2025, 12, 31), DAY, Part(place, 2)) for place in range(2))
    assert parts.select(pl.col("customers", "later_365").sum()).row(0) == (3, 5)
    # An NBD with r = 1, α = 10 weeks expects (1 + x) / (10 + T) purchases a week; all are too few to tell.
    factors = factors_of(NBD(1.0, 10.0), found)
    assert factors[30].expected == pytest.approx((2 / (10 + 30 / 7) + 2 / (10 + 60 / 7)) * 30 / 7)
    assert [factors[days].actual for days in HORIZONS] == [3, 4, 4, 5]
    assert {factor.basis for factor in factors.values()} == {"too few purchases"}


def test_what_became_known_after_the_origin_is_not_known_to_it(shop):
    # Asked as of 30 January: the refund of 5 February, which voids the order, is not known yet.
    shop.orders("anna", "2025-12-01", "2026-01-10").refund("anna-2", on="2026-02-05", amount=10)
    shop.snapshot("2026-12-31")
    early, late = (
        year_ago(shop.engine, dt.date(2025, 12, 31), until) for until in (dt.date(2026, 1, 30), dt.date(2026, 3, 1))
    )
    assert (early["later_30"].item(), late["later_30"].item()) == (1, 0)
