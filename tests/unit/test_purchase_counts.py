"""Boosted counts on made-up rows: what trees learn, how counts are spread. Their worth: docs/validation.md."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from test_windows import ENDS, JANUARY

from pipeline.models.purchase_counts import factors, train
from pipeline.models.validation import poisson_deviance
from pipeline.steps.prediction.holdouts import BOOSTED, Judged
from pipeline.steps.prediction.inputs import Cohort


def invented(n=800, seed=5):
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(n, 3))
    rows[rng.random(n) < 0.3, 2] = np.nan
    return rows, rng.poisson(np.exp(rows[:, 0])).astype(float)


# ── spreading ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_half_of_the_total_is_spread_as_the_trees_say():
    # Trees say 0, 4, 4 where the model says 1, 1, 2: of its 4 purchases they would give 0, 2, 2, times 0, 2, 1. The
    # mean of that and 1 is .5, 1.5, 1.
    found = factors(np.array([0.0, 4.0, 4.0]), np.array([1.0, 1.0, 2.0]))
    np.testing.assert_allclose(found, [0.5, 1.5, 1.0], rtol=1e-12)


def test_the_total_of_another_horizon_stays():
    # 5 times the same factors would be 1, 4.5, 0, which is 5.5 of 5.
    found = factors(np.array([0.0, 4.0, 4.0]), np.array([1.0, 1.0, 2.0]), np.array([2.0, 3.0, 0.0]))
    np.testing.assert_allclose(found, np.array([0.5, 1.5, 1.0]) / 1.1, rtol=1e-12)


def test_where_the_model_expects_next_to_nothing_the_factor_is_bounded():
    # The third: a hundred millions times as many. Held at 3, and all so that 4 stay 4 in sum.
    timing = np.array([1.0, 3.0, 1e-8])
    found = factors(np.array([1.0, 2.0, 1.0]), timing)
    np.testing.assert_allclose(found, np.array([1.0, 5 / 6, 3.0]) * 4 / 3.5, rtol=1e-7)
    assert found @ timing == pytest.approx(4)


def test_the_order_of_customers_changes_nothing():
    rng = np.random.default_rng(1)
    trees, timing, expected = rng.gamma(1.0, size=(3, 1000))
    order = rng.permutation(1000)
    np.testing.assert_array_equal(factors(*(v[order] for v in (trees, timing, expected))),
                                  factors(trees, timing, expected)[order])  # fmt: skip


# ── learning ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_trees_learn_counts():
    rows, counts = invented()
    fresh, came = invented(seed=6)
    found = train(rows, counts).predict(fresh)
    assert (found >= 0).all() and found.sum() == pytest.approx(came.sum(), rel=0.15)
    assert poisson_deviance(came, found) < 0.7 * poisson_deviance(came, np.full_like(came, counts.mean()))
    np.testing.assert_array_equal(train(rows, counts).predict(fresh), found)


def test_the_currency_of_amounts_does_not_matter():
    rows, counts = invented()
    ours, theirs = (train(one, counts, (0, 2)).predict(one) for one in (rows, rows * [4.0, 1, 4.0]))
    np.testing.assert_array_equal(theirs, ours)


def test_without_purchases_nothing_is_learnt():
    rows, counts = invented()
    with pytest.raises(ValueError, match="nobody bought"):
        train(rows, 0 * counts)


# ── choosing ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_poisson_deviance():
    # 2 · (0 + 1) of who did not buy, 2 · (2 ln 2 − 1) of who bought twice where one was expected: 2 ln 2 in the mean.
    assert poisson_deviance(np.array([0.0, 2.0]), np.array([1.0, 1.0])) == pytest.approx(2 * np.log(2))
    assert poisson_deviance(np.array([0.0, 2.0]), np.array([0.0, 2.0])) == 0
    assert poisson_deviance(np.array([1.0]), np.array([0.0])) == np.inf


@pytest.mark.parametrize(
    ("deviances", "is_boosted"),
    [
        ([(1.0, 0.989)], True),
        ([(1.0, 0.991)], False),  # better, not by 1 %
        ([(1.0, 0.95), (2.0, 2.02), (3.0, 3.03)], True),  # ln .95 + 2 ln 1.01: −1.05 % in the mean
        ([(1.0, 0.95), (2.0, 2.04), (3.0, 3.03)], False),
        ([], False),  # not tested
    ],
)
def test_counts_are_boosted_where_that_is_clearly_better_on_the_last_origins(deviances, is_boosted):
    cohort = Cohort(JANUARY, ENDS[0], pl.DataFrame({"later": [1.0, 0.0]}))
    predictions = {"nbd": np.array([0.6, 0.4]), BOOSTED: np.array([0.9, 0.1])}

    def judged(nbd=1.0, boosted=1.0):
        scores = {"nbd": {"poisson_deviance": nbd}, BOOSTED: {"poisson_deviance": boosted}}
        return Judged("counts", cohort, cohort.later, predictions, frozenset(), scores)

    found = replace(judged(), earlier=tuple(judged(*pair) for pair in deviances)).standings
    assert found.is_boosted is is_boosted
    assert found.champion() == "nbd"  # whose counts they are
