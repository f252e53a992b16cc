"""Nights of the models on real shops: what is published, what it was worth afterwards, and when nothing is."""

import datetime as dt
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from scipy.stats import spearmanr
from shop import CDNOW, RealShop, all_tables, build, real_shop

from pipeline.models.beta_geometric import BGNBD
from pipeline.models.gamma_gamma import GammaGamma, Spenders
from pipeline.models.pareto_nbd import ParetoNBD
from pipeline.models.purchase_classifier import FOLDS
from pipeline.settings import Settings
from pipeline.steps.prediction import inputs
from pipeline.steps.prediction.backtest import PUBLISHED, outcomes, publish
from pipeline.steps.prediction.holdouts import BLEND, BOOSTED, PROBABILITIES, TRAINED, counted_on, trained_on
from pipeline.steps.prediction.inputs import (
    AMOUNTS,
    FEATURES,
    HISTORY,
    RHYTHM,
    Cohort,
    Everybody,
    Part,
    cohort,
    everybody,
    kept_share,
    number_customers,
    parts_of,
    spenders,
    window,
    year_ago,
)
from pipeline.steps.prediction.known import KINDS
from pipeline.steps.prediction.nightly import Night, last_models
from pipeline.steps.prediction.rows import compute, frames_of, queries
from pipeline.steps.prediction.trial import Trial

ORIGIN, LAST_DAY = dt.date(1997, 9, 30), dt.date(1998, 6, 30)
TIMING = {kind.name for kind in KINDS}


def night_of(shop: RealShop, day: dt.date) -> Night:
    """A night whose tables are written, with every check of their headers."""
    build(shop.engine, day, "marts.customer_summary")
    night = Night(shop.engine, Settings(), day)
    publish(night)
    return night


@pytest.fixture(scope="session")
def cdnow_sample(tmp_path_factory):
    """The sample of the papers: one tenth of the customers, under their ids in the sample."""
    home = tmp_path_factory.mktemp("cdnow_sample")
    lines = CDNOW.with_name("CDNOW_sample.txt").read_text().splitlines()
    rows = [" ".join(line.split()[1:]) for line in lines if line.strip()]
    file = home / "sample.txt"
    file.write_text("\n".join(["customer_id date number_of_cds dollar_value", *rows]) + "\n")
    with real_shop(Settings(home=home), "cdnow", file, ORIGIN, "marts.customer_summary") as shop:
        yield shop


@pytest.fixture(scope="session")
def last_night(cdnow_master):
    return night_of(cdnow_master, LAST_DAY)


@pytest.fixture(scope="session")
def nights_at_the_origin(cdnow_master, cdnow_sample):
    return {"master": night_of(cdnow_master, ORIGIN), "sample": night_of(cdnow_sample, ORIGIN)}


@pytest.fixture(scope="session")
def what_came_of_them(nights_at_the_origin):
    return {name: outcomes(night) for name, night in nights_at_the_origin.items()}


@pytest.fixture(scope="session")
def last_trial(last_night):
    return Trial(last_night)


@pytest.fixture(scope="session")
def retail_night(online_retail):
    return night_of(online_retail, online_retail.snapshot_date)


# ── samples ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_sample_is_some_of_the_customers_and_all_that_is_known_of_them(cdnow_master):
    everybody = cohort(cdnow_master.engine, ORIGIN, LAST_DAY).frame
    number_customers(cdnow_master.engine, LAST_DAY)
    some = cohort(cdnow_master.engine, ORIGIN, LAST_DAY, part=Part(0, 5)).frame
    assert some.height == pytest.approx(everybody.height / 5, rel=0.05)
    assert_frame_equal(some, everybody.join(some, on="customer_id", how="semi"), rel_tol=1e-12)


def made_of_many_alike(shop) -> None:
    """400 customers of 20 days, prices of two and channels of two: the same purchases in many a hand."""
    rng = np.random.default_rng(11)
    for number in range(400):
        first, price, channel = (int(rng.integers(n)) for n in (20, 2, 2))
        gaps = np.cumsum(rng.integers(1, 4, rng.geometric(0.6)) * 20) - 20
        days = ((ORIGIN + dt.timedelta(first + int(gap))).isoformat() for gap in gaps)
        shop.orders(f"{number:03d}", *days, amount=10 + 5 * price, sales_channel=("shop", "web")[channel])
        if number % 7 == 0:
            shop.refund(f"{number:03d}-1", on=(ORIGIN + dt.timedelta(first + 3)).isoformat(), amount=2)


def drawn(engine, place: int) -> list[pl.DataFrame]:
    """What a part of three is said to have done; whoever did it."""
    origin, end, part = ORIGIN + dt.timedelta(40), ORIGIN + dt.timedelta(90), Part(place, 3)
    frames = [cohort(engine, origin, end, part, columns).frame for columns in (FEATURES, RHYTHM)]
    frames += [found.frame for found in window(engine, origin, [end, end, end], part).values()]
    frames.append(year_ago(engine, origin, end, part))
    anonymous = (
        frame.select(pl.exclude("customer_id", "later_amount", *(FEATURES[n] for n in AMOUNTS))) for frame in frames
    )
    return [frame.sort(pl.all()) for frame in anonymous]


def test_samples_are_the_same_whatever_customers_are_called_and_in_whatever_currency_they_pay(shop):
    made_of_many_alike(shop)
    shop.table("marts.customer_summary", snapshot_date=LAST_DAY.isoformat())
    number_customers(shop.engine, LAST_DAY)
    before = [drawn(shop.engine, place) for place in range(3)]
    for table in ("order_lines", "orders", "occasions"):
        shop.engine.execute(f"UPDATE staging.{table} SET customer_id = md5(customer_id), amount = 3 * amount")
    number_customers(shop.engine, LAST_DAY)
    for ours, theirs in zip(before, (drawn(shop.engine, place) for place in range(3)), strict=True):
        for one, other in zip(ours, theirs, strict=True):
            assert one.height > 20
            assert_frame_equal(one, other)


def test_a_part_has_its_share_of_each_day_and_of_who_came_back(cdnow_master):
    number_customers(cdnow_master.engine, LAST_DAY)
    whole, part = (cohort(cdnow_master.engine, LAST_DAY, LAST_DAY, part, RHYTHM).frame for part in (None, Part(1, 8)))
    # By chance alone 36 of the 1,506 would come or go who bought once.
    for kind, apart in (("age_days", 1), ("frequency", 10)):
        shares = (frame.group_by(kind).agg(customers=pl.len()) for frame in (whole, part))
        both = next(shares).join(next(shares), on=kind, how="left").fill_null(0)
        assert (both["customers"] / 8 - both["customers_right"]).abs().max() <= apart
    assert part.height == pytest.approx(whole.height / 8, rel=0.002)


def test_the_short_query_knows_what_the_long_one_does(online_retail):
    engine, day = online_retail.engine, online_retail.snapshot_date
    origin = day - dt.timedelta(90)
    long, short = (cohort(engine, origin, day, columns=columns).frame for columns in (FEATURES, RHYTHM))
    assert short.height > 1000
    assert_frame_equal(short, long.select(short.columns), rel_tol=1e-12)


def test_what_is_learnt_does_not_depend_on_what_customers_are_called(cdnow_sample):
    # The same customers in another order, under other names: the same rows in the same order, and the same folds.
    known = cohort(cdnow_sample.engine, dt.date(1997, 6, 30), ORIGIN)
    names = pl.Series([f"n{n:05d}" for n in range(known.frame.height)])
    shuffled = known.frame.sample(fraction=1, shuffle=True, seed=7).with_columns(customer_id=names)
    renamed = Cohort(known.origin, known.until, shuffled)
    ours, theirs = known.sampled(), renamed.sampled()
    np.testing.assert_array_equal(theirs.features, ours.features)
    np.testing.assert_array_equal(theirs.folds, ours.folds)
    p, q = (trained_on([one]).predict(ours.features) for one in (known, renamed))
    np.testing.assert_array_equal(p, q)
    x, y = (counted_on([one]).predict(ours.features) for one in (known, renamed))
    np.testing.assert_array_equal(x, y)
    assert np.bincount(ours.folds, minlength=FOLDS).min() > 0.1 * len(ours.folds)
    alike = ours.frame.with_columns(fold=pl.Series(ours.folds)).group_by(HISTORY).agg(pl.col("fold").n_unique())
    assert alike["fold"].max() == 1  # equal histories are calibrated by trees that have seen none of them


# ── the gate ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def buyers(customers=500, frequent=50, history=180, silent=29):
    """The least of everything that lets a night predict."""
    groups = {"frequency": [2, 0], "customers": [frequent, customers - frequent]}
    return pl.DataFrame(groups).with_columns(age_days=pl.lit(history), active_span_days=pl.lit(history - silent))


def test_spend_that_goes_with_frequency_is_measured_as_scipy_does():
    rng = np.random.default_rng(3)
    frequency, customers = rng.poisson(2, 400) + 1.0, rng.integers(1, 4, 400)
    spend = np.round(frequency * 5 + rng.gamma(2, 4, 400))
    night = Night(None, Settings(home=Path("/nowhere")), LAST_DAY)
    night.spenders = Spenders(frequency, spend, customers.astype(float))
    expected = spearmanr(np.repeat(frequency, customers), np.repeat(spend, customers)).statistic
    assert night.spend_correlation == pytest.approx(expected)
    assert expected > 0.3


@pytest.mark.parametrize(
    ("lacking", "sentence"),
    [
        ({}, None),
        ({"customers": 499}, "499 customers have bought; predictions need 500."),
        ({"history": 179}, "The history is 179 days long; predictions need 180."),
        ({"frequent": 49}, "49 customers have bought on three days or more; predictions need 50."),
        ({"silent": 30}, "The last order is 30 days old; predictions need one of the last 30 days."),
    ],
)
def test_the_gate_says_what_is_missing(lacking, sentence):
    night = Night(None, Settings(), LAST_DAY)
    night.today = Everybody(LAST_DAY, buyers(**lacking))
    assert night.why_not == sentence


def test_an_empty_shop_has_no_predictions(shop):
    build(shop.engine, LAST_DAY, "marts.customer_summary")
    night = Night(shop.engine, Settings(), LAST_DAY)
    assert night.why_not == "0 customers have bought; predictions need 500."
    assert frames_of(night) == {}


# ── what the models are given ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_cohort_holds_who_had_bought_and_what_they_bought_after(shop):
    # Origin 31 January. Anna bought before, and twice by 20 February, on one day for 5 and 6: one occasion.
    # Bert's later purchase lies after the end; Cleo came too late; Dora's was cancelled by the end.
    shop.orders("anna", "2026-01-01", "2026-02-05").orders("anna", "2026-02-20", amount=5)
    shop.orders("anna", "2026-02-20", amount=6).orders("bert", "2026-01-31", "2026-02-21").orders("cleo", "2026-02-01")
    shop.orders("dora", "2026-01-02", "2026-02-03").refund("dora-2", on="2026-02-10", amount=10)
    shop.table("marts.customer_summary", snapshot_date="2026-12-31")
    found = cohort(shop.engine, dt.date(2026, 1, 31), dt.date(2026, 2, 20))
    assert found.frame.select("customer_id", "later", "later_amount").rows() == [
        ("anna", 2, 21.0), ("bert", 0, 0.0), ("dora", 0, 0.0),
    ]  # fmt: skip
    assert found.bought.tolist() == [1, 0, 0]
    assert (found.days, found.silent_weeks.tolist()) == (20, [30 / 7, 0, 29 / 7])


def test_what_was_bought_after_is_added_up_to_the_cent(shop):
    shop.orders("anna", "2026-01-01").orders("anna", *(f"2026-02-{day:02d}" for day in range(1, 11)), amount="0.10")
    shop.table("marts.customer_summary", snapshot_date="2026-12-31")
    assert cohort(shop.engine, dt.date(2026, 1, 31), dt.date(2026, 2, 20)).later_amount.tolist() == [1.0]


def test_groups_are_customers_with_equal_histories(shop):
    shop.orders("anna", "2026-01-01", "2026-01-08").orders("bert", "2026-01-01", "2026-01-08").orders(
        "cleo", "2026-01-15"
    )
    shop.table("marts.customer_summary", snapshot_date="2026-12-31")
    day = dt.date(2026, 1, 29)
    for groups in (everybody(shop.engine, day).histories, cohort(shop.engine, day, day).grouped):
        found = sorted(zip(groups.x, groups.t_x, groups.T, groups.customers, strict=True))
        assert found == [(0, 0, 2, 1), (1, 1, 4, 2)]


def test_all_customers_in_groups_are_all_customers_one_by_one(online_retail):
    engine, day = online_retail.engine, online_retail.snapshot_date
    one_by_one, grouped, spent = cohort(engine, day, day), everybody(engine, day), spenders(engine, day)
    frame = one_by_one.frame
    assert (grouped.customers, grouped.history_days) == (frame.height, frame["age_days"].max())
    assert grouped.silent_days == frame["recency_days"].min()
    occasions = frame["frequency"] + 1
    assert grouped.mean_amount == pytest.approx((frame["mean_amount"] * occasions).sum() / occasions.sum())
    for name in ("x", "t_x", "T", "customers"):
        np.testing.assert_array_equal(getattr(grouped.histories, name), getattr(one_by_one.grouped, name))
    for name in ("x", "m", "customers"):
        np.testing.assert_array_equal(getattr(spent, name), getattr(one_by_one.spenders, name))


def test_parts_hold_every_customer_once(online_retail, monkeypatch):
    engine, day = online_retail.engine, online_retail.snapshot_date
    whole = cohort(engine, day, day).frame
    monkeypatch.setattr(inputs, "BATCH", 1000)
    number_customers(engine, day)
    batches = [batch.frame for batch in parts_of(engine, day, whole.height)]
    assert len(batches) == -(-whole.height // 1000) and max(batch.height for batch in batches) < 1200
    assert_frame_equal(pl.concat(batches).sort("customer_id"), whole)


def test_what_is_kept_of_spend(shop):
    # Of 200 sold in the last 365 days 20 came back; 50 and a refund of it lie before them.
    shop.orders("anna", "2026-06-01", amount=200).orders("anna", "2025-12-31", amount=50)
    shop.refund("anna-2", on="2025-12-31", amount=25).refund("anna-1", on="2026-06-05", amount=20)
    shop.table("marts.customer_summary", snapshot_date="2026-12-31")
    day = dt.date(2026, 12, 31)
    assert kept_share(shop.engine, day, None) == pytest.approx(0.9)
    assert kept_share(shop.engine, day, 0.4) == pytest.approx(0.36)
    assert kept_share(shop.engine, dt.date(2025, 1, 1), None) == 1


def test_what_never_stood_takes_nothing_off_the_spend(shop):
    # 20 of 200 came back. A failed attempt, and an order given back whole on 1 July, are no occasions either; a credit
    # note of its own takes off 20 more.
    shop.orders("anna", "2026-06-01", amount=200).refund("anna-1", on="2026-06-05", amount=20)
    shop.line("failed", on="2026-06-01", customer="anna", amount=200, status="cancelled")
    shop.refund("failed", on="2026-06-01", amount=200)
    shop.orders("anna", "2026-06-20", amount=100).refund("anna-2", on="2026-07-01", amount=100)
    shop.table("marts.customer_summary", snapshot_date="2026-12-31")
    assert kept_share(shop.engine, dt.date(2026, 12, 31), None) == pytest.approx(0.9)
    assert kept_share(shop.engine, dt.date(2026, 6, 30), None) == pytest.approx(1 - 20 / 300)
    shop.line("note", on="2026-08-01", customer="anna", amount=-20, kind="refund")
    shop.table("marts.customer_summary", snapshot_date="2026-12-31")
    assert kept_share(shop.engine, dt.date(2026, 12, 31), None) == pytest.approx(0.8)


def test_parameters_of_an_earlier_night_become_models_when_they_are_complete():
    rows = [("bgnbd", name, value) for name, value in zip(("r", "alpha", "a", "b"), (0.2, 4.0, 0.8, 2.0), strict=True)]
    rows += [("pareto_nbd", "r", 0.5), ("nbd", "r", 0.5), ("shop", "mean_spend", 30.0)]
    rows += [("gamma_gamma", name, value) for name, value in zip("pqv", (6.0, 4.0, 15.0), strict=True)]
    assert last_models(rows) == {"bgnbd": BGNBD(0.2, 4.0, 0.8, 2.0), "gamma_gamma": GammaGamma(6.0, 4.0, 15.0)}


# ── a night on CDNOW ──────────────────────────────────────────────────────────────────────────────────────────────────


def rows_of(night: Night, table: str) -> pl.DataFrame:
    return night.engine.read(f"SELECT * FROM marts.{table} WHERE snapshot_date = $day", {"day": night.day})


def test_every_target_has_a_champion(last_night):
    champions = {row["target"]: row for row in rows_of(last_night, "champions").iter_rows(named=True)}
    assert champions.keys() == {"counts", *PROBABILITIES}
    assert {row["status"] for row in champions.values()} == {"ok"}
    assert {target: row["horizon_days"] for target, row in champions.items()} == {
        "counts": 182, "purchase_30d": 30, "purchase_90d": 90, "churn": 180,
    }  # fmt: skip
    assert champions["counts"]["model"] == BOOSTED and champions["counts"]["timing_model"] in TIMING
    assert all(champions[target]["model"] in TRAINED for target in PROBABILITIES)


def test_churn_of_gifts_and_of_music_is_told_of_180_days(last_night, retail_night):
    for night in (last_night, retail_night):
        horizons = rows_of(night, "churn_horizons").sort("horizon_days")
        assert horizons["horizon_days"].to_list() == [30, 60, 90, 180]
        assert set(horizons["churn_horizon_days"]) == set(rows_of(night, "churn_predictions")["churn_horizon_days"])
        assert set(horizons["churn_horizon_days"]) == {night.champions["churn"].horizon_days} == {180}
        assert set(horizons["chosen_by"]) == {"enough silent"}
    # CDNOW: all but those of its first day who did not come back in 1997.
    cdnow = rows_of(last_night, "churn_horizons").filter(horizon_days=180)
    assert cdnow.select("decided_on", "buyers", "silent").row(0) == (LAST_DAY, 23_466, 18_115)
    # Online Retail ends on 9 December 2011: decided in November.
    retail = rows_of(retail_night, "churn_horizons")
    assert set(retail["decided_on"]) == {dt.date(2011, 11, 30)} and set(retail["previous_churn_horizon_days"]) == {180}


def test_champions_have_the_best_figure_of_their_holdout(last_night):
    scores = rows_of(last_night, "model_validation").filter(~pl.col("is_baseline"))
    for champion in last_night.champions.values():
        of_target = scores.filter(pl.col("target") == champion.target)
        if champion.target == "counts":
            assert abs(champion.score) < 3
            ratio = of_target.filter(model=BOOSTED, metric="mean_log_deviance_ratio")["value"].item()
            deviances = dict(of_target.filter(metric="poisson_deviance").select("model", "value").rows())
            assert -0.05 < ratio < -0.01 and deviances[BOOSTED] == min(deviances.values())
            continue
        losses = dict(of_target.filter(pl.col("metric") == "mean_log_loss").select("model", "value").rows())
        assert losses.keys() == TIMING | TRAINED
        assert champion.model == BLEND and 0.99 * losses[BLEND] <= min(losses.values())
        assert champion.score == pytest.approx(losses[champion.model], rel=1e-9)


def test_every_prediction_names_its_model(last_night):
    champions = {target: champion.model for target, champion in last_night.champions.items()}
    clv, churn = rows_of(last_night, "clv_predictions"), rows_of(last_night, "churn_predictions")
    assert clv.height == churn.height == 23_570
    assert set(clv["status"]) == set(churn["status"]) == {"ok"}
    assert set(clv["model"]) == {last_night.champions["counts"].timing_model}
    assert set(clv["spend_model"]) == {"gamma_gamma"}
    named = churn.select("model_30d", "model_90d", "model_churn").unique().row(0)
    assert named == tuple(champions[target] for target in PROBABILITIES)


def test_every_table_of_the_night_is_written(last_night):
    for name, frame in frames_of_written(last_night).items():
        assert frame.height > 0, name


def frames_of_written(night: Night) -> dict[str, pl.DataFrame]:
    written = [table.name for table in all_tables().values() if table.select is None and table.topic == "prediction"]
    return {name: rows_of(night, name) for name in written}


def test_spend_is_held_against_nothing_the_mean_and_each_one_s_past(last_trial):
    judged = last_trial.judged["value"]
    assert judged.baselines == {"historic_spend", "mean_spend", "zero"}
    assert not judged.predictions["zero"].any()
    lived, past = np.maximum(judged.cohort.histories.T, 1 / 7), judged.predictions["historic_spend"]
    np.testing.assert_allclose(judged.predictions["mean_spend"], (past * lived).sum() / lived.sum())


def test_values_are_those_of_the_models(last_night):
    # The joins in SQL against the same formulas in Python, customer by customer.
    clv = rows_of(last_night, "clv_predictions").sort("customer_id")
    today, spend = last_night.cohort(LAST_DAY, LAST_DAY), last_night.spend.model
    h, m = today.histories, today.frame["monetary_value"].fill_null(spend.mean_spend).to_numpy()
    model = last_night.fitted(last_night.champions["counts"].timing_model).model
    timing = model.expected_purchases(last_night.clock.week(365 / 7), h.x, h.t_x, h.T)
    expected = timing * rows_of(last_night, "classifier_scores").sort("customer_id")["purchases_factor"].to_numpy()
    assert expected.sum() == pytest.approx(timing.sum(), rel=1e-8)
    p = rows_of(last_night, "churn_predictions").sort("customer_id")["p_purchase_365d"].to_numpy()
    kept = (expected - p).sum() / np.maximum(expected - p, 0).sum()
    published = p + kept * np.maximum(expected - p, 0)
    np.testing.assert_allclose(clv["expected_purchases_365d"], published, rtol=1e-8)
    assert clv["expected_purchases_365d"].sum() == pytest.approx(expected.sum(), rel=1e-8)
    np.testing.assert_allclose(clv["expected_spend"], spend.expected_spend(h.x, m), rtol=1e-8)
    undiscounted = expected * spend.expected_spend(h.x, m)
    value = clv["predicted_clv"].to_numpy()  # rounded to the cent
    assert ((value > undiscounted / 1.1 - 0.005) & (value < undiscounted + 0.005)).all()
    assert (clv["clv_low"] <= clv["clv_high"]).all() and clv["clv_standard_error"].is_between(0, 100).all()


def test_intervals_of_value_hold_what_they_promise_whatever_a_customer_bought_before(last_night):
    coverage = rows_of(last_night, "interval_coverage")
    published = coverage.filter("is_published").sort("place")
    assert set(coverage["model"]) == TIMING | {BOOSTED} and set(published["model"]) == {BOOSTED}
    assert published["customers"].sum() == last_night.verdicts.of["value"].customers
    large = published.filter(pl.col("customers") - pl.col("customers_of_nothing") >= 200)
    # Of who has bought once everybody is likely to spend nothing in 26 weeks.
    assert large["frequency_class"].to_list() == ["1", "2–4", "5–9", "10 or more"] and large["is_own"].all()
    assert large["coverage"].is_between(0.76, 0.84).all()
    assert not large["coverage_of_model"].is_between(0.76, 0.84).all()  # which is why
    share = large.select((pl.col("customers") - pl.col("customers_of_nothing")).dot("coverage")).item()
    judged = large.select((pl.col("customers") - pl.col("customers_of_nothing")).sum()).item()
    model = published["model"][0]
    assert last_night.verdicts.of["value"].standings.scores[model]["coverage_80"] == pytest.approx(share / judged)
    # A wider interval of the model and nothing else: both ends of a customer moved by the correction of the class.
    clv = rows_of(last_night, "clv_predictions")
    assert (clv["clv_low"] <= clv["predicted_clv"]).all() and (clv["predicted_clv"] <= clv["clv_high"]).all()
    moved = dict(zip(published["place"] - 1, np.log(published["widened_by"]), strict=True))
    np.testing.assert_allclose(last_night.interval_corrections, [moved[n] for n in range(5)], rtol=1e-8)


def test_probabilities_of_a_customer_agree_with_each_other(last_night):
    churn = rows_of(last_night, "churn_predictions")
    p30, p90, p180, p365 = (churn[f"p_purchase_{days}d"] for days in (30, 90, 180, 365))
    assert ((p30 <= p90 + 1e-9) & (p90 <= p180 + 1e-9) & (p180 <= p365 + 1e-9)).all()
    np.testing.assert_allclose(p180, 1 - churn["churn_probability"], atol=1e-9)  # the churn horizon is 180 days
    assert p30.min() >= 0 and p365.max() <= 1
    # Of those who buy within the year half have bought by the median day: where it comes within 30 days, as many are
    # likely to buy within 30 as half of those within 365.
    clv = rows_of(last_night, "clv_predictions").sort("customer_id")
    days = (clv["next_purchase_median"] - LAST_DAY).dt.total_days().to_numpy()
    half = churn.sort("customer_id").select(share=pl.col("p_purchase_30d") / pl.col("p_purchase_365d"))["share"]
    assert (half.to_numpy()[days <= 30] >= 0.5 - 1e-6).all() and (half.to_numpy()[days > 31] < 0.5 + 1e-6).all()
    assert 0 < (days <= 30).sum() < len(days)
    assert rows_of(last_night, "propensity_grid")["customers"].sum() == 23_570


def test_the_tracking_adds_up_to_what_was_bought(last_night):
    tracking = rows_of(last_night, "tracking").sort("week")
    repeat = last_night.today.frame.select(pl.col("frequency").dot("customers")).item()
    assert tracking["week"].to_list() == list(range(1, 79))
    assert tracking["week_ends_on"][-1] == LAST_DAY
    assert tracking["actual"].sum() == tracking["actual_cumulative"][-1] == repeat
    assert tracking["expected_cumulative"][-1] == pytest.approx(repeat, rel=0.05)
    origin = last_night.verdicts.of["counts"].origin
    unseen = tracking.filter("is_holdout")["week_ends_on"].min()
    assert dt.timedelta(days=7) <= unseen - origin < dt.timedelta(days=14)  # all of its days


@pytest.mark.parametrize("target", ["counts", "value", *PROBABILITIES])
def test_tenths_add_up_to_the_holdout(last_night, last_trial, target):
    judged = last_trial.judged[target]
    deciles = rows_of(last_night, "decile_chart").filter(target=target)
    the_same_of_everyone = {"zero", "base_rate", "mean_spend"}
    assert set(judged.predictions) - set(deciles["model"]) <= the_same_of_everyone
    for (model,), rows in deciles.group_by("model"):
        assert rows["decile"].sort().to_list() == list(range(1, 11))
        for column, total in (("predicted", judged.predictions[model].sum()), ("observed", judged.actual.sum())):
            assert (rows[column] * rows["customers"]).sum() == pytest.approx(total, rel=1e-8)
        top = rows.filter(decile=1)["captured"][0]
        if not judged.is_probability:
            assert top == pytest.approx(judged.scores[model]["top_10_percent_capture"], rel=1e-8)


def test_alerts_and_rising_customers_are_exceptions(last_night):
    alerts, rising = rows_of(last_night, "premium_alerts"), rows_of(last_night, "rising_customers")
    assert 0 < alerts.height < 23_570 / 10 and alerts["change"].max() <= -0.3
    assert 0 < rising.height < 23_570 / 10


# ── what it was worth ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("target", PROBABILITIES)
@pytest.mark.parametrize("name", ["sample", "master"])
def test_published_probabilities_kept_their_promise(nights_at_the_origin, what_came_of_them, name, target):
    # The night of 1997-09-30 knows nothing after it, and is judged on what came after it. Candidates are the models
    # that had a holdout to be chosen on: for churn the history is too short to have trained a classifier before it.
    candidates = set(nights_at_the_origin[name].verdicts.of[target].standings.scores) & (TIMING | TRAINED - {BLEND})
    scores = what_came_of_them[name][target].scores
    published = scores[PUBLISHED]
    assert published["log_loss"] <= min(scores[model]["log_loss"] for model in candidates) + 0.003
    assert published["log_loss"] < scores["base_rate"]["log_loss"]
    assert published["log_loss"] < scores["recency_logistic"]["log_loss"]
    assert published["auc"] >= 0.75
    assert published["ece"] <= 0.055


def test_the_fits_of_the_sample_are_those_of_the_papers(nights_at_the_origin):
    # Through export, staging, features and groups.
    fits = nights_at_the_origin["sample"].fits(ORIGIN)
    assert nights_at_the_origin["sample"].today.customers == 2357
    np.testing.assert_allclose(fits["bgnbd"].model.values, (0.2425945, 4.4136019, 0.7929199, 2.4258881), rtol=5e-4)
    np.testing.assert_allclose(fits["pareto_nbd"].model.values, (0.55315, 10.57633, 0.60625, 11.67150), rtol=5e-4)
    likelihoods = {name: found.log_likelihood for name, found in fits.items()}
    published = {"bgnbd": -9582.429, "mbgnbd": -9582.14, "pareto_nbd": -9594.976}
    assert likelihoods == pytest.approx(published, abs=0.01)


def test_candidates_at_the_origin(nights_at_the_origin):
    for night in nights_at_the_origin.values():
        standings = {target: verdict.standings for target, verdict in night.verdicts.of.items()}
        models = {target: set(of.scores) - of.baselines for target, of in standings.items()}
        assert models["purchase_30d"] == models["purchase_90d"] == TIMING | TRAINED
        # Of 180 days a classifier can be trained, of April and of March, but not tested: there is nothing before them.
        assert models["churn"] == TIMING
        assert [window.origin for window in night.windows("churn", ORIGIN)] == [
            dt.date(1997, 4, 3),
            dt.date(1997, 3, 4),
        ]
        assert night.champions["churn"].model == BLEND and night.champions["churn"].score is None


def test_nothing_after_the_day_is_known_to_a_night(nights_at_the_origin):
    for night in nights_at_the_origin.values():
        verdicts = night.verdicts.of.values()
        assert max(verdict.origin + dt.timedelta(verdict.days) for verdict in verdicts) == ORIGIN
        assert max(origin for origin, _, _ in night.all_fits) == ORIGIN
        assert night.today.history_days == (ORIGIN - dt.date(1997, 1, 1)).days


def test_a_shop_whose_customers_do_not_drop_out(retail_night):
    fits = retail_night.fits(retail_night.day)
    assert fits.keys() == TIMING
    assert {(found.status, found.model.name) for found in fits.values()} == {("no_dropout", "nbd")}
    clv = rows_of(retail_night, "clv_predictions")
    assert set(clv["model"]) == {"nbd"} and set(clv["p_alive"]) == {1.0}
    parameters = rows_of(retail_night, "model_parameters").filter(model="nbd")
    assert set(parameters["parameter"]) == {"r", "alpha"} and parameters["standard_error"].null_count() == 0


@pytest.mark.parametrize("target", ["purchase_30d", "churn"])
def test_the_classifier_beats_the_timing_models_on_the_master_file(last_night, target):
    # At the end of the file, where the classifier has a past to learn from.
    scores = last_night.verdicts.of[target].standings.scores
    best = min(scores[model]["log_loss"] for model in TIMING)
    for candidate in TRAINED:
        assert scores[candidate]["log_loss"] < best
        assert scores[candidate]["ece"] <= 0.055 and scores[candidate]["auc"] >= 0.75


def test_the_classifier_is_better_calibrated_where_the_timing_models_are_not(retail_night):
    scores = retail_night.verdicts.of["purchase_30d"].standings.scores
    assert scores["classifier"]["ece"] < scores["nbd"]["ece"]
    assert retail_night.champions["purchase_30d"].model in TRAINED


# ── the same again ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_second_run_writes_the_same_rows(nights_at_the_origin):
    # Not nearly, but bit by bit: every sum has its order.
    first = nights_at_the_origin["sample"]
    again = frames_of(Night(first.engine, first.settings, first.day))
    frames = frames_of(first)
    assert frames["model_fits"].filter(model="gamma_gamma")["origin"].to_list()[-1] == ORIGIN
    for name, frame in frames.items():
        assert frame.equals(again[name]), name


class Listening:
    """An engine, and what it was asked."""

    def __init__(self, engine):
        self.engine, self.asked = engine, set()

    def read(self, sql, parameters):
        self.asked.add(sql)
        return self.engine.read(sql, parameters)

    def digest(self, sql, parameters):
        self.asked.add(sql)
        return self.engine.digest(sql, parameters)


def test_a_night_asks_nothing_that_the_lint_does_not_see(nights_at_the_origin, tmp_path):
    night = nights_at_the_origin["sample"]
    listening = Listening(night.engine)
    compute(listening, Settings(home=tmp_path), night.day, print)
    assert len(listening.asked) > 5
    assert listening.asked <= set(queries().values())


def test_predictions_do_not_depend_on_last_nights_parameters(nights_at_the_origin):
    # From parameters far away. The holdouts never start from them.
    cold = nights_at_the_origin["sample"]
    last = {
        "bgnbd": BGNBD(2.0, 40.0, 0.1, 5.0), "pareto_nbd": ParetoNBD(3.0, 30.0, 0.1, 2.0),
        "gamma_gamma": GammaGamma(2.0, 8.0, 90.0),
    }  # fmt: skip
    warm = Night(cold.engine, cold.settings, cold.day, last)
    warm.verdicts = cold.verdicts
    before, after = (frames_of(night)["timing_predictions"] for night in (cold, warm))
    for column in before.select(pl.selectors.float()).columns:
        np.testing.assert_allclose(after[column], before[column], rtol=1e-6, atol=1e-12, err_msg=column)


def test_the_fitter_is_a_setting(nights_at_the_origin):
    ours = nights_at_the_origin["sample"]
    theirs = Night(ours.engine, Settings(clv={"fitter": "lifetimes"}), ours.day)
    theirs.today = ours.today
    for name, found in theirs.fits(ORIGIN).items():
        assert found.iterations == 0 < ours.fits(ORIGIN)[name].iterations  # lifetimes does not tell how many
        np.testing.assert_allclose(found.model.values, ours.fits(ORIGIN)[name].model.values, rtol=1e-3)
