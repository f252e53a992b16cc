"""The classifier on made-up rows: seeds, batches, gaps, too few. Its worth on CDNOW stands in test_prediction."""

import numpy as np
import pytest

from pipeline.models.purchase_classifier import LEAST_OF_EACH, train


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
