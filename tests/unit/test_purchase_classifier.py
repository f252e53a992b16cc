"""The classifier beside the timing models on CDNOW, everything fitted on what was known at the time."""

from datetime import date, timedelta
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from pipeline.models.beta_geometric import BGNBD, MBGNBD
from pipeline.models.fitting import fit
from pipeline.models.histories import Histories
from pipeline.models.pareto_nbd import ParetoNBD
from pipeline.models.purchase_classifier import LEAST_OF_EACH, blend, train
from pipeline.models.validation import champion_by_log_loss, fit_recency_logistic, log_loss, probability_scores

DATA = Path(__file__).parents[3] / "shared" / "data"
ORIGIN = date(1997, 9, 30)
KINDS = (BGNBD, MBGNBD, ParetoNBD)
RECENT = (30, 90, 180)
FIRST_DAY, LAST_DAY = date(1997, 1, 1), date(1998, 6, 30)


@cache
def occasions(name: str) -> pl.DataFrame:
    path = DATA / f"cdnow_{name}.csv"
    if not path.exists():
        pytest.skip(f"CDNOW is not beside this repository (../shared/data/{path.name})")
    customer = "sample_customer_id" if name == "sample" else "customer_id"
    lines = pl.read_csv(path, schema_overrides={customer: pl.String})
    day = pl.col("date").str.to_date()
    return lines.group_by(id=customer, day=day).agg(value=pl.col("dollar_value").sum()).sort("id", "day")


@cache
def customers(name: str, origin: date, days: int) -> pl.DataFrame:
    """Who had bought by the origin, what was known of them then, and whether they bought in the days after it."""
    day, end, orders = pl.col("day"), pl.lit(origin), occasions(name)
    gap = (day - day.shift().over("id")).dt.total_days().cast(pl.Float64)
    since = {f"last_{n}": (day > origin - timedelta(days=n)).sum().cast(pl.Float64) for n in RECENT}
    known = (
        orders.filter(day <= origin)
        .with_columns(gap=gap)
        .group_by("id")
        .agg(
            x=pl.len() - 1.0,
            t_x=(day.max() - day.min()).dt.total_days() / 7,
            T=(end - day.min()).dt.total_days() / 7,
            recency=(end - day.max()).dt.total_days().cast(pl.Float64),
            mean_gap=pl.col("gap").mean(),
            gap_deviation=pl.col("gap").std(),
            mean_spend=pl.col("value").mean(),
            last_spend=pl.col("value").last(),
            month=pl.lit(float(origin.month)),
            **since,
        )
        .with_columns(silence_in_gaps=pl.col("recency") / pl.col("mean_gap"))
    )
    buyers = orders.filter((day > origin) & (day <= origin + timedelta(days=days))).select("id").unique()
    return known.with_columns(bought=pl.col("id").is_in(buyers["id"].implode()).cast(pl.Float64)).sort("id")


def features(frame):
    return frame.drop("id", "bought").to_numpy()


def bought(frame):
    return frame["bought"].to_numpy()


def by_timing(frame, days):
    """Each timing model fitted on the frame, and its probabilities for the same customers."""
    x, t_x, T = (frame[name].to_numpy() for name in ("x", "t_x", "T"))
    groups = frame.group_by("x", "t_x", "T").len().sort("x", "t_x", "T")
    histories = Histories.of(groups["x"], groups["t_x"], groups["T"], groups["len"])
    return {kind.name: fit(kind, histories).model.probability_of_purchase(days / 7, x, t_x, T) for kind in KINDS}


@cache
def candidates(name: str, origin: date, days: int) -> dict[str, np.ndarray]:
    """Probabilities of every model for the days after the origin, none of which knows of anything after it.

    The classifier learns from the customers of `days` before; without such a time there is none.
    """
    now = customers(name, origin, days)
    found = by_timing(now, days)
    if origin - timedelta(days=days) >= FIRST_DAY + timedelta(days=90):
        before = customers(name, origin - timedelta(days=days), days)
        found["classifier"] = train(features(before), bought(before), seed=7).predict(features(now))
    return found


def scores(name, origin, days, best_timing):
    now, probabilities = customers(name, origin, days), dict(candidates(name, origin, days))
    if "classifier" in probabilities:
        probabilities["blend"] = blend(probabilities["classifier"], probabilities[best_timing])
    one = np.ones(now.height)
    return {candidate: probability_scores(bought(now), p, one) for candidate, p in probabilities.items()}


def log_losses(found):
    return {candidate: score["log_loss"] for candidate, score in found.items()}


def recency_logistic(name, origin, days):
    """Log loss of the recency logistic, fitted at the origin before."""
    before, now = customers(name, origin - timedelta(days=days), days), customers(name, origin, days)
    model = fit_recency_logistic(before["recency"].to_numpy() / 7, bought(before), np.ones(before.height))
    return log_loss(bought(now), model.predict(now["recency"].to_numpy() / 7), np.ones(now.height))


@pytest.mark.parametrize("days", [30, 90, 180])
@pytest.mark.parametrize("name", ["sample", "master"])
def test_the_published_probability_is_near_the_best_and_beats_the_baselines(name, days):
    # The champion is chosen on the last holdout that had ended on the origin. For 180 days that leaves no time to learn
    # before it: the classifier is not validated, and not a candidate.
    holdout = ORIGIN - timedelta(days=days)
    timing = [kind.name for kind in KINDS]
    best_timing = champion_by_log_loss(
        {kind: log_losses(scores(name, holdout, days, timing[0]))[kind] for kind in timing}
    )
    validated = log_losses(scores(name, holdout, days, best_timing))
    assert ("classifier" in validated) == (days < 180)
    now, found = customers(name, ORIGIN, days), scores(name, ORIGIN, days, best_timing)
    published = found[champion_by_log_loss(validated)]
    base_rate = np.full(now.height, bought(now).mean())
    assert published["log_loss"] <= min(log_losses(found)[candidate] for candidate in validated) + 0.003
    assert published["log_loss"] < log_loss(bought(now), base_rate, np.ones(now.height))
    assert published["log_loss"] < recency_logistic(name, ORIGIN, days)
    assert published["ece"] <= 0.055
    assert published["auc"] >= 0.75


@pytest.mark.parametrize("days", [30, 90, 180])
def test_the_classifier_beats_the_timing_models_on_the_master_file(days):
    # At the end of the file, where the classifier has a past to learn from.
    found = scores("master", LAST_DAY - timedelta(days=days), days, "mbgnbd")
    best = min(log_losses(found)[kind.name] for kind in KINDS)
    for candidate in ("classifier", "blend"):
        assert found[candidate]["log_loss"] < best
        assert found[candidate]["ece"] <= 0.055 and found[candidate]["auc"] >= 0.75


def invented(n=600, seed=3):
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(n, 4))
    rows[rng.random(n) < 0.3, 3] = np.nan
    return rows, (rng.random(n) < 1 / (1 + np.exp(-rows[:, 0]))).astype(float)


def test_the_same_seed_gives_the_same_probabilities_and_another_one_others():
    rows, labels = invented()
    once, again, other = (train(rows, labels, seed).predict(rows) for seed in (1, 1, 2))
    np.testing.assert_array_equal(once, again)
    assert (once != other).any()


def test_batches_change_nothing():
    rows, labels = invented()
    model = train(rows, labels, 1)
    np.testing.assert_allclose(
        np.concatenate([model.predict(rows[:100]), model.predict(rows[100:])]), model.predict(rows), rtol=1e-12
    )
    assert (model.customers, model.base_rate) == (600, labels.mean())


def test_columns_that_say_nothing_do_no_harm():
    # A column of nothing but gaps, one of nothing but zeros, refunds below zero.
    rows, labels = invented()
    padded = np.column_stack([rows, np.full(600, np.nan), np.zeros(600)])
    probability = train(padded, labels, 1).predict(padded)
    assert ((probability > 0) & (probability < 1)).all()
    assert np.corrcoef(probability, rows[:, 0])[0, 1] > 0.8


@pytest.mark.parametrize("buyers", [0, LEAST_OF_EACH - 1, 600 - LEAST_OF_EACH + 1])
def test_too_few_of_either_kind_are_refused(buyers):
    rows, _ = invented()
    with pytest.raises(ValueError, match=f"{buyers} of 600 customers"):
        train(rows, (np.arange(600) < buyers).astype(float), 1)
