"""What a classifier learns from, and which model of a probability is published: windows, holdouts, the choice."""

import datetime as dt
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from shop import ONLINE_RETAIL, build, real_shop

from pipeline.settings import Settings
from pipeline.steps.prediction.backtest import PUBLISHED, outcomes, publish
from pipeline.steps.prediction.holdouts import BLEND, CLASSIFIER, Judged, is_learnable
from pipeline.steps.prediction.inputs import FEATURES, WINDOWS, Cohort, Part, cohort, number_customers, window
from pipeline.steps.prediction.nightly import Night

JANUARY = dt.date(2026, 1, 31)
ENDS = [dt.date(2026, 2, 10), dt.date(2026, 3, 10), dt.date(2026, 6, 10)]
JOURNEY = ONLINE_RETAIL.with_name("complete_journey") / "transactions.parquet"


# ── windows ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def bought(found: dict[dt.date, Cohort]) -> dict[str, list[int]]:
    """Days on which each customer bought, by 10 February, 10 March and 10 June."""
    columns = [found[end].frame["later"].to_list() for end in ENDS]
    return dict(zip(found[ENDS[0]].frame["customer_id"].to_list(), map(list, zip(*columns, strict=True)), strict=True))


def test_a_window_tells_what_was_bought_within_each_horizon_as_known_on_its_last_day(shop):
    # Anna buys on 5 February, and on 10 and 11 March. Bert's only later order of 5 February comes back whole on 1
    # March: on 10 February it stands. Cleo comes in February, too late to be of the window.
    shop.orders("anna", "2026-01-01", "2026-02-05", "2026-03-10", "2026-03-11")
    shop.orders("bert", "2026-01-31", "2026-02-05").refund("bert-2", on="2026-03-01", amount=10)
    shop.orders("cleo", "2026-02-01")
    shop.table("marts.customer_summary", snapshot_date="2026-12-31")
    assert bought(window(shop.engine, JANUARY, ENDS)) == {"anna": [1, 2, 3], "bert": [1, 0, 0]}


@pytest.mark.parametrize("part", [None, (0, 3), (2, 3)])
def test_a_window_is_the_cohorts_of_its_horizons(cdnow_master, part):
    engine, origin = cdnow_master.engine, dt.date(1997, 9, 30)
    number_customers(engine, dt.date(1998, 6, 30))
    part = part and Part(*part)
    ends = [origin + dt.timedelta(days) for days in (30, 90, 180)]
    for end, found in window(engine, origin, ends, part).items():
        expected = cohort(engine, origin, end, part).frame.drop("later_amount")
        assert found.until == end and found.frame.equals(expected.select(found.frame.columns))
        assert found.frame["later"].sum() > 0


def test_windows_are_up_to_six_origins_thirty_days_apart_that_end_by_the_day(cdnow_master):
    build(cdnow_master.engine, dt.date(1998, 6, 30), "marts.customer_summary")
    night = Night(cdnow_master.engine, Settings(), dt.date(1998, 6, 30))
    origins = [found.origin for found in night.windows("purchase_30d", night.before(60))]
    assert origins == [night.before(90 + 30 * place) for place in range(WINDOWS)]
    assert {found.days for found in night.windows("purchase_90d", night.day)} == {90}
    # The file begins on 1 January 1997: before 31 March lie 89 days, before 1 March 59, which are too few.
    early = night.windows("purchase_30d", dt.date(1997, 4, 30))
    assert [found.origin for found in early] == [dt.date(1997, 3, 31)]


# ── the choice ────────────────────────────────────────────────────────────────────────────────────────────────────────


def judged(*losses: dict[str, float]) -> Judged:
    """Holdouts, the last first, in which models have these log losses: the same probability of what happened to all."""
    cohort = Cohort(JANUARY, ENDS[0], pl.DataFrame({"later": [1] * 4}))
    tests = [
        Judged(
            "purchase_30d", cohort, cohort.bought,
            {name: np.full(4, np.exp(-loss)) for name, loss in of_test.items()} | {"base_rate": np.full(4, 0.99)},
            frozenset({"base_rate"}),
        )
        for of_test in losses
    ]  # fmt: skip
    return replace(tests[0], earlier=tuple(tests[1:]))


@pytest.mark.parametrize(
    ("losses", "champion"),
    [
        ([{"nbd": 0.5, CLASSIFIER: 0.396, BLEND: 0.4}], BLEND),  # by 1 %, not by more
        ([{"nbd": 0.5, CLASSIFIER: 0.395, BLEND: 0.4}], CLASSIFIER),
        ([{"nbd": 0.395, CLASSIFIER: 0.5, BLEND: 0.4}], "nbd"),
        # One holdout for the classifier, two against it: 0.39 in the mean of all against 0.388.
        ([{"nbd": 0.5, CLASSIFIER: 0.35, BLEND: 0.40}, {"nbd": 0.5, CLASSIFIER: 0.41, BLEND: 0.38},
          {"nbd": 0.5, CLASSIFIER: 0.41, BLEND: 0.384}], BLEND),
        # Where no classifier could be trained, nothing is compared with it.
        ([{"nbd": 0.38, CLASSIFIER: 0.5, BLEND: 0.4}, {"nbd": 0.9}], "nbd"),
        ([{"nbd": 0.5, "bgnbd": 0.4}, {"nbd": 0.2, "bgnbd": 0.4}], "nbd"),
        # A model that does not hold at an earlier origin counts there as the best that does: .3 and .4 against .31.
        ([{"nbd": 0.31, "bgnbd": 0.3}, {"nbd": 0.4}], "bgnbd"),
    ],
)  # fmt: skip
def test_the_blend_stays_unless_beaten_clearly_on_the_last_origins(losses, champion):
    assert judged(*losses).standings.champion() == champion


def test_a_classifier_that_is_barred_is_not_champion_alone():
    found = judged({"nbd": 0.5, CLASSIFIER: 0.3, BLEND: 0.4}).standings
    assert (found.champion(), found.champion(frozenset({CLASSIFIER}))) == (CLASSIFIER, BLEND)
    assert found.choice("base_rate") == {}
    assert found.choice(CLASSIFIER) == {"mean_log_loss": pytest.approx(0.3)}


@pytest.mark.parametrize(
    ("buyers", "enough"), [((60, 40), True), ((60, 39), False), ((240, 160), True), ((250, 151), False)]
)
def test_windows_are_learnt_from_together(buyers, enough):
    # 300 customers and 200 more: at least 500 in all, and 100 of them on either side.
    windows = [
        Cohort(JANUARY, ENDS[0], pl.DataFrame({"later": [1] * n + [0] * (customers - n)}))
        for n, customers in zip(buyers, (300, 200), strict=True)
    ]
    assert is_learnable(windows) is enough
    assert not is_learnable(windows[:1]) and not is_learnable([])


# ── what it was worth to weekly shoppers ──────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def journey(tmp_path_factory):
    """Complete Journey: the baskets of 2,469 households of a grocer in 2017 as orders."""
    if not JOURNEY.exists():
        pytest.skip(f"{JOURNEY} is not there: the shared data sets are no part of the repository")
    home = tmp_path_factory.mktemp("journey")
    baskets = pl.scan_parquet(JOURNEY).group_by("basket_id").agg(
        pl.col("household_id").first(), pl.col("transaction_timestamp").min().dt.date(), pl.col("sales_value").sum()
    )  # fmt: skip
    orders = baskets.sort("transaction_timestamp", "basket_id").select(
        order_id=pl.format("b{}", "basket_id"), customer_id=pl.format("h{}", "household_id"),
        ordered_at="transaction_timestamp", amount=pl.col("sales_value").round(2),
    )  # fmt: skip
    file = home / "orders.csv"
    orders.collect().write_csv(file)
    with real_shop(Settings(home=home), "perennial", file, dt.date(2017, 7, 4), "marts.customer_summary") as shop:
        yield shop


@pytest.mark.long
@pytest.mark.parametrize(
    ("day", "best"),
    [(dt.date(2017, 7, 4), (0.2941, 0.1553)), (dt.date(2017, 10, 2), (0.2933, 0.1533))],
    ids=str,
)
def test_weekly_shoppers_are_told_apart_by_their_rhythm(journey, day, best):
    """`best`: log loss within 30 and 90 days of the best of 17 candidates in hindsight."""
    build(journey.engine, day, "marts.customer_summary")
    night = Night(journey.engine, Settings(), day)
    publish(night)
    found = outcomes(night)
    for target, hindsight in zip(("purchase_30d", "purchase_90d"), best, strict=True):
        scores = found[target].scores
        assert scores[PUBLISHED]["log_loss"] <= 1.01 * hindsight
        assert scores[PUBLISHED]["log_loss"] < 0.95 * min(scores[name]["log_loss"] for name in night.models(day))
    assert set(FEATURES) <= set(found["purchase_30d"].cohort.frame.columns)
    assert night.horizons["churn"] == 30 and night.by_horizon == {30: "purchase_30d", 90: "purchase_90d"}
    published = night.engine.read(
        "SELECT DISTINCT churn_horizon_days, abs(p_purchase_30d + churn_probability - 1) < 1e-9 AS is_same "
        "FROM marts.churn_predictions WHERE snapshot_date = $day", {"day": day},
    )  # fmt: skip
    assert published.rows() == [(30, True)]
    assert night.champions["purchase_90d"].status == ("not_validated" if day.month == 7 else "ok")
