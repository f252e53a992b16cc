"""Shops in season: what is published before a December that doubles, and of a shop whose year is not known."""

import datetime as dt
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from shop import RealShop, build, real_shop

from pipeline.settings import Settings
from pipeline.simulator.customers import draw
from pipeline.simulator.shop import Shop
from pipeline.steps.prediction.backtest import publish
from pipeline.steps.prediction.holdouts import BLEND, CLASSIFIER, PROBABILITIES, trained_on
from pipeline.steps.prediction.nightly import Night
from pipeline.steps.prediction.trial import Trial

END = dt.date(2026, 11, 30)
HORIZONS = (30, 90, 180, 365)


def december_shop(home: Path, customers: int):
    """Four years of a growing shop that is twice as busy in December, as an export."""
    drawn = Shop(customers=customers, years=4, months=(1.0,) * 11 + (2.0,), last_day=END)
    orders = pl.concat([chunk.orders for chunk in draw(drawn)])
    orders = orders.filter((pl.col("customer") >= 0) & (pl.col("ordered_at").dt.date() <= END)).sort("ordered_at")
    file = home / "orders.csv"
    orders.with_row_index("n").select(
        order_id=pl.format("o{}", "n"), customer_id=pl.format("c{}", "customer"),
        ordered_at=pl.col("ordered_at").dt.date(), amount=pl.col("value").round(2),
    ).write_csv(file)  # fmt: skip
    return real_shop(Settings(home=home), "perennial", file, END, "marts.customer_summary")


def night_of(shop: RealShop, day: dt.date) -> Night:
    build(shop.engine, day, "marts.customer_summary")
    night = Night(shop.engine, Settings(), day)
    publish(night)
    return night


def biases(night: Night) -> dict[int, tuple[float, float]]:
    """By horizon whose days are over: by how many % the published purchases were too many, and without the clock."""
    sums = ", ".join(f"sum(expected_purchases_{days}d)" for days in HORIZONS)
    published = night.engine.read(
        f"SELECT {sums} FROM marts.clv_predictions WHERE snapshot_date = $day", {"day": night.day}
    ).row(0)
    h, model = night.today.histories, night.fitted(night.champions["counts"].timing_model).model
    found = {}
    for days, clocked in zip(HORIZONS, published, strict=True):
        until = night.day + dt.timedelta(days)
        if until <= END:
            actual = night.cohort(night.day, until).later.sum()
            plain = h.customers @ model.expected_purchases(days / 7, h.x, h.t_x, h.T)
            found[days] = (100 * (clocked / actual - 1), 100 * (plain / actual - 1))
    return found


@pytest.fixture(scope="module")
def september(tmp_path_factory):
    with december_shop(tmp_path_factory.mktemp("december"), 6_000) as shop:
        yield night_of(shop, dt.date(2025, 9, 30))


@pytest.fixture(scope="module")
def trial(september):
    """The tests of a month's end are those of its night."""
    return Trial(september)


def test_a_december_that_doubles_is_seen_coming(september):
    found = biases(september)
    assert {days: abs(bias) <= 10 for days, (bias, _) in found.items()} == dict.fromkeys(HORIZONS, True)
    assert found[90][1] < -20  # a day that is a day misses a fifth of the purchases
    assert {champion.status for champion in september.champions.values()} == {"ok"}


def test_the_clock_is_in_all_that_is_published(september):
    # The expectations of the model at the stretched weeks; value by its months.
    clock, day = september.clock, september.day
    assert clock.factors[1] > 1.15
    h, model = september.today.histories, september.fitted(september.champions["counts"].timing_model).model
    timing = september.engine.read(
        "SELECT * FROM marts.timing_predictions WHERE snapshot_date = $day AND as_of = $day "
        "ORDER BY frequency, active_span_days, age_days",
        {"day": day},
    )
    for days in HORIZONS:
        expected = model.expected_purchases(clock.week(days / 7), h.x, h.t_x, h.T)
        np.testing.assert_allclose(timing[f"expected_purchases_{days}d"], expected, rtol=1e-8)
    months = [model.expected_purchases(clock.week(k * 365 / 12 / 7), h.x, h.t_x, h.T) for k in range(13)]
    discounted = sum((months[k] - months[k - 1]) * 1.1 ** (-(k - 0.5) / 12) for k in range(1, 13))
    np.testing.assert_allclose(timing["discounted_purchases"], discounted, rtol=1e-8)
    churn = september.best_timing("churn")
    p = churn.probability_of_purchase(clock.week(180 / 7), h.x, h.t_x, h.T)
    p90 = september.best_timing("purchase_90d").probability_of_purchase(clock.week(90 / 7), h.x, h.t_x, h.T)
    np.testing.assert_allclose(timing["p_purchase_churn"], np.maximum(p, timing["p_purchase_30d"]), rtol=1e-8)
    within = (p90 >= timing["p_purchase_30d"].to_numpy()) & (p90 <= p)
    np.testing.assert_allclose(timing["p_purchase_90d"].to_numpy()[within], p90[within], rtol=1e-8)
    assert within.mean() > 0.9


def test_then_and_now_run_by_one_clock(september):
    # Else half of the best customers would be said to lose interest as soon as a season ends.
    before = september.engine.read(
        "SELECT * FROM marts.timing_predictions WHERE snapshot_date = $day AND as_of < $day "
        "ORDER BY frequency, active_span_days, age_days",
        {"day": september.day},
    )
    x, t_x, T = (before[name].to_numpy() / unit for name, unit in
                 (("frequency", 1), ("active_span_days", 7), ("age_days", 7)))  # fmt: skip
    model = september.fitted(september.champions["counts"].timing_model).model
    expected = model.expected_purchases(september.clock.week(90 / 7), x, t_x, T)
    np.testing.assert_allclose(before["expected_purchases_90d"], expected, rtol=1e-8)


def test_the_holdouts_run_by_the_clock_of_their_day(september, trial):
    # 90 days before, the origin is 2 July; what a model had expected of the same days in 2024 tells its season.
    judged, name = trial.judged["purchase_90d"], september.season.model
    factors = september.factors_at(judged.cohort.origin, name)
    assert factors[90].is_known and factors[90].value != 1
    h, models = judged.cohort.histories, september.models(judged.cohort.origin)
    weeks = 90 / 7 * factors[90].value
    for model in models.values():
        p = model.probability_of_purchase(weeks, h.x, h.t_x, h.T)
        np.testing.assert_allclose(judged.predictions[model.name], p, rtol=1e-9)


def test_a_classifier_runs_by_the_clock_of_its_day(september, trial):
    # It has learnt from days that were usual; alone it is offered for 90 days because the year is known.
    judged, clock = trial.judged["purchase_90d"], september.factors_at(september.before(90), september.season.model)
    usual = trained_on(september.windows("purchase_90d", september.before(90))).predict(judged.cohort.features)
    expected = 1 - (1 - usual) ** clock[90].value
    np.testing.assert_allclose(judged.predictions[CLASSIFIER], expected, rtol=1e-9)
    timing = judged.predictions[judged.standings.best_timing]
    np.testing.assert_allclose(judged.predictions[BLEND], (2 * expected + timing) / 3, rtol=1e-9)
    assert september._barred("purchase_90d") == frozenset()


def test_where_the_year_is_not_known_a_classifier_of_90_days_is_not_offered_alone(september):
    night = Night(september.engine, Settings(), september.before(500))
    build(september.engine, night.day, "marts.customer_summary")
    assert not night.season.factors[90].is_known
    assert [night._barred(target) for target in PROBABILITIES] == [frozenset(), {CLASSIFIER}, frozenset()]
    assert night.champions["purchase_90d"].model != CLASSIFIER


@pytest.mark.long
@pytest.mark.parametrize("day", [(6, 30), (9, 30), (11, 30), (12, 11)], ids=str)
def test_at_four_origins_the_counts_are_right_within_a_tenth(tmp_path, day):
    with december_shop(tmp_path, 16_000) as shop:
        found = biases(night_of(shop, dt.date(2025, *day)))
    assert len(found) >= 3
    assert {days: bias for days, (bias, _) in found.items() if abs(bias) > 10} == {}


def test_a_gift_shop_of_one_year_says_in_december_that_its_season_is_unknown(online_retail):
    night = night_of(online_retail, online_retail.snapshot_date)
    rows = night.engine.read("SELECT * FROM marts.season_clock WHERE snapshot_date = $day", {"day": night.day})
    assert set(rows.select("status", "basis", "factor").rows()) == {("season_unknown", "too short a history", 1.0)}
    assert rows["recent_ratio"][0] == pytest.approx(1.834, abs=0.001)
    for table in ("clv_predictions", "churn_predictions"):
        found = night.engine.read(f"SELECT status FROM marts.{table} WHERE snapshot_date = $day", {"day": night.day})
        assert set(found["status"]) == {"season_unknown"}
    early = Night(night.engine, Settings(), dt.date(2011, 9, 10))
    assert {early.season.status(days) for days in HORIZONS} == {"ok"}
    assert early.season.recent / early.season.year == pytest.approx(1.018, abs=0.001)
