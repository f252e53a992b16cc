"""lifecycle_projection, lifecycle_scenarios, projection_backtest: a year ahead by hand, and when there is none."""

import datetime as dt

import pytest
from predictions import say_season
from shop import all_tables, days_before

from pipeline.steps.prediction.rows import compute

PROJECTION, SCENARIOS, BACKTEST = (
    "marts.lifecycle_projection", "marts.lifecycle_scenarios", "marts.projection_backtest",
)  # fmt: skip
DAY = "2026-12-31"
LIMITS = {"defecting_days": 60, "inactive_days": 200}


def told(shop, newcomers=False, **lifecycle):
    """Ten have bought every 30 days for more than a year, for 20 each; ten have bought once, 400 days ago.

    `newcomers`: one every 30 days, who spends 60 and never comes back.
    """
    shop.with_settings(lifecycle={**LIMITS, "scenarios": [], **lifecycle})
    for number in range(10):
        shop.orders(f"steady{number}", *(days_before(10 + 30 * month) for month in range(16)), amount=20)
        shop.orders(f"gone{number}", days_before(400), amount=20)
    for month in range(13 if newcomers else 0):
        shop.orders(f"new{month}", days_before(15 + 30 * month), amount=60)
    return shop


def say_clock(shop, factor=1.0, **told_of_all):
    """The next 30 days are worth so much, and longer horizons what they are on the calendar."""
    known = {"basis": "a year ago", "expected": 450.0, "factor": 1.0, "actual": 450} | told_of_all
    first = {"factor": factor, "actual": round(500 * factor - 50)}
    say_season(shop, *({"horizon_days": n} | known | (first if n == 30 else {}) for n in (30, 90, 180, 365)))


def test_the_months_to_come_by_hand(shop):
    # The ten who left were first-time customers a year ago (40 days silent), then defecting for five month ends, the
    # fifth of which made them inactive: 1, then .8 and .2. Who buys every month stays active and brings 20.
    found = told(shop).table(PROJECTION).where(scenario="do nothing")
    for month in (0, 1, 12):
        assert found.where(month=month).by("stage", "customers") == {
            "active": 10, "defecting": 0, "first-time": 0, "inactive": 10, "lead": 0,
        }  # fmt: skip
    month = found.where(month=1)
    assert month.by("stage", "revenue_per_customer") == {
        "active": 20, "defecting": 0, "first-time": 0, "inactive": 0, "lead": 0,
    }  # fmt: skip
    assert month.by("stage", "from_customers") == {
        "active": 120, "defecting": 50, "first-time": 10, "inactive": 60, "lead": 0,
    }  # fmt: skip
    assert found.where(month=0).by("stage", "revenue")["active"] is None


def test_the_sum_stands_beside_that_of_the_last_12_months(shop):
    rows = told(shop).table(SCENARIOS).where(scenario="do nothing")
    last = rows.where(month=12)
    assert last.rows("revenue", "total", "last_12_months") == [(200, pytest.approx(2400), 2400)]
    # Every month was as every other: of customers of whom nobody moves there is nothing to be unsure of.
    assert rows.where(month=1).rows("revenue_low", "revenue_high") == [(pytest.approx(200), pytest.approx(200))]


def test_newcomers_are_those_of_a_mean_month(shop):
    found = told(shop, newcomers=True).table(PROJECTION).where(month=1, stage="first-time")
    assert found.rows("new_customers", "revenue_per_new_customer", "revenue") == [(1, 60, 60)]
    none = told(shop, newcomers=True, new_customers="none").table(PROJECTION)
    assert set(none.frame["new_customers"]) == {0.0}


def test_a_scenario_beside_doing_nothing(shop):
    # Ten points of the inactive come back: one of ten, who brings 20 from month 2 on; in month 1 nothing yet.
    scenario = {"name": "win back", "from": "inactive", "to": "active", "points": 10}
    found = told(shop, scenarios=[scenario]).table(SCENARIOS)
    assert found.where(month=1).by("scenario", "revenue") == {"do nothing": 200, "win back": pytest.approx(200)}
    back = found.where(scenario="win back", month=2)
    assert back.rows("from_stage", "to_stage", "points", "gain") == [("inactive", "active", 10, pytest.approx(20))]
    assert back.one("gain_low") <= 20 <= back.one("gain_high")
    assert found.where(scenario="do nothing", month=12).rows("from_stage", "points", "gain_high") == [(None, None, 0)]


def test_the_season_of_the_clock_is_in_the_revenue(shop):
    # 30 days worth 60, 90 worth 90, and so on: month 1 is two, the next two are half a month each, the others one.
    say_clock(shop, factor=2.0)
    found = told(shop).table(SCENARIOS).where(scenario="do nothing")
    revenue = found.by("month", "revenue")
    assert (revenue[1], revenue[2], revenue[12]) == (pytest.approx(400), pytest.approx(100), pytest.approx(200))


@pytest.mark.parametrize(("recent", "rows"), [(1.2, 65), (1.3, 0), (0.79, 0), (None, 65)])
def test_after_an_unusual_month_nothing_is_projected_but_what_was_is_judged(shop, recent, rows):
    say_clock(shop, recent_factor=recent)
    assert len(told(shop).table(PROJECTION)) == rows
    assert len(shop.show(SCENARIOS, DAY)) == (12 if rows else 0)
    assert len(shop.show(BACKTEST, DAY)) == 3  # 460 days are 15 months, of which three have twelve before


@pytest.mark.parametrize(("more", "before", "rows"), [(60, 0, 0), (40, 0, 65), (60, 60, 65), (60, 1, 65)])
def test_where_no_clock_tells_the_last_month_is_held_to_the_twelve_before_it(shop, more, before, rows):
    # Months bring 200. The last brings 30 % more, which is unusual; or 20 %. Not where the months before came and went
    # by as much, nor where the same month of last year did.
    told(shop).orders("steady0", days_before(2), amount=more)
    if before == 1:
        shop.orders("steady0", days_before(362), amount=more)
    for month in range(1, 13, 2) if before > 1 else ():
        shop.orders("steady0", days_before(2 + 30 * month), amount=before)
    assert len(shop.table(PROJECTION)) == rows
    assert len(shop.show(BACKTEST, DAY)) == 3


def test_a_month_that_is_the_same_every_year_is_not_unusual(shop):
    # Everybody buys twice as much in the 30 days up to 31 December, this year and the last.
    told(shop)
    for number in range(10):
        for month in (0, 12):
            shop.orders(f"steady{number}", days_before(11 + 30 * month), amount=20)
    say_clock(shop, recent_factor=1.9)
    assert len(shop.table(PROJECTION)) == 65


def test_what_a_projection_was_worth_a_month_later(shop):
    # Each of the months before brought 200, and so did the last, but for one who paid 100 more.
    told(shop).orders("steady0", days_before(2), amount=100)
    (row,) = shop.table(BACKTEST).where(months_ago=1).frame.iter_rows(named=True)
    assert (row["months_ago"], row["customers"], row["actual"], row["mean_before"]) == (1, 20, 300, 200)
    assert (row["begins_after"], row["ends_on"]) == (dt.date(2026, 12, 1), dt.date(2026, 12, 31))
    assert row["projected"] == pytest.approx(200) and row["high"] == pytest.approx(200) and not row["is_inside"]


def test_what_projections_were_worth_is_in_model_validation_too(shop):
    # Three months brought 200, 200 and 300. Projected was 200 of each, and 20 / 12 × 10 more of the first two: in the
    # year before them ten came who brought 20 once. So was the mean. 20 customers are too few for the models.
    told(shop).orders("steady0", days_before(2), amount=100).table(BACKTEST)
    frames = compute(shop.engine, shop.engine.settings, dt.date(2026, 12, 31), lambda _: None)
    assert frames.keys() == {"model_validation"}
    shop.engine.write_frame(all_tables()["marts.model_validation"], dt.date(2026, 12, 31), frames["model_validation"])
    rows = shop.show("marts.model_validation", DAY).where(target="projection", horizon_days=30, customers=20)
    assert len(rows) == 11 and set(rows.frame["origin"]) == {dt.date(2026, 12, 1)}
    own, naive = (rows.where(model=model).by("metric", "value") for model in ("projection", "mean_month"))
    expected = {"predicted": 600 + 400 / 12, "actual": 700, "bias_percent": -200 / 21, "mae": 400 / 9, "months": 3}
    assert naive == pytest.approx(expected)
    inside = shop.show(BACKTEST, DAY).frame["is_inside"].to_list()
    assert own == pytest.approx({**expected, "coverage_95": sum(inside) / 3}) and sum(inside) < 3
    assert set(rows.where(is_baseline=True).frame["model"]) == {"mean_month"}


@pytest.mark.parametrize(("age", "rows"), [(389, 0), (390, 65)])
def test_13_months_of_history_are_needed(shop, age, rows):
    shop.with_settings(lifecycle={"scenarios": []}).orders("anna", days_before(age), days_before(10))
    assert len(shop.table(PROJECTION)) == rows
    assert len(shop.show(SCENARIOS, DAY)) == rows // 5 - rows // 65


def test_it_is_the_same_each_time(shop):
    assert told(shop).table(PROJECTION).rows() == shop.table(PROJECTION).rows()


def test_lost_customers_are_refused(shop):
    told(shop).table(PROJECTION)
    shop.engine.execute(f"UPDATE {PROJECTION} SET customers = customers + 1 WHERE stage = 'active' AND month = 5")
    assert shop.failing_checks(PROJECTION, DAY) == {"nobody_is_lost"}
