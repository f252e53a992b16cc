"""The classifier on made-up rows: folds, currencies, batches, gaps, too few. Its worth: test_prediction."""

import numpy as np
import pytest

from pipeline.models.purchase_classifier import FOLDS, LEAST_OF_EACH, by_the_clock, train


def invented(n=600, seed=3):
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(n, 4))
    rows[rng.random(n) < 0.3, 3] = np.nan
    return rows, (rng.random(n) < 1 / (1 + np.exp(-rows[:, 0]))).astype(float)


def folds(n=600):
    return np.arange(n) % FOLDS


def test_the_same_rows_give_the_same_probabilities_and_other_folds_others():
    rows, labels = invented()
    once, again, other = (train(rows, labels, parts).predict(rows) for parts in (folds(), folds(), folds()[::-1] // 2))
    np.testing.assert_array_equal(once, again)
    assert (once != other).any()


@pytest.mark.parametrize(("rate", "tolerance"), [(4.0, 0.0), (0.85, 1e-9)])
def test_the_currency_of_amounts_does_not_matter(rate, tolerance):
    rows, labels = invented()
    exchanged = rows * [1, rate, 1, rate]
    ours, theirs = (train(one, labels, folds(), (1, 3)).predict(one) for one in (rows, exchanged))
    np.testing.assert_allclose(theirs, ours, rtol=tolerance, atol=0)


def test_batches_change_nothing():
    rows, labels = invented()
    model = train(rows, labels, folds())
    np.testing.assert_allclose(
        np.concatenate([model.predict(rows[:100]), model.predict(rows[100:])]), model.predict(rows), rtol=1e-12
    )
    assert (model.customers, model.base_rate) == (600, labels.mean())


def test_columns_that_say_nothing_do_no_harm():
    # A column of nothing but gaps, one of nothing but zeros, refunds below zero.
    rows, labels = invented()
    padded = np.column_stack([rows, np.full(600, np.nan), np.zeros(600)])
    probability = train(padded, labels, folds()).predict(padded)
    assert ((probability > 0) & (probability < 1)).all()
    assert np.corrcoef(probability, rows[:, 0])[0, 1] > 0.8


@pytest.mark.parametrize("buyers", [0, LEAST_OF_EACH - 1, 600 - LEAST_OF_EACH + 1])
def test_too_few_of_either_kind_are_refused(buyers):
    rows, _ = invented()
    with pytest.raises(ValueError, match=f"{buyers} of 600 customers"):
        train(rows, (np.arange(600) < buyers).astype(float), folds())


def test_by_the_clock_the_days_are_so_many_usual_ones():
    # In two usual days who buys with .5 on each stays away with .25; in half of one with √.5.
    p = np.array([0.0, 0.5, 1.0])
    np.testing.assert_allclose(by_the_clock(p, 2.0), [0, 0.75, 1], rtol=1e-9)
    np.testing.assert_allclose(by_the_clock(p, 0.5), [0, 1 - 0.5**0.5, 1], atol=1e-5)
    np.testing.assert_allclose(by_the_clock(p, 1.0), p, rtol=1e-9)
