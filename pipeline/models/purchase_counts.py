"""How many purchases will a customer make? Boosted trees, which spread what a timing model expects.

A timing model with its clock knows how many purchases all customers together will make, season included, and little of
who makes them: to it all who bought as often, for as long, are alike. Trees that know a customer's rhythm tell
customers apart, but have seen the days before, not those to come. So the total stays that of the timing model, and half
of it is spread over customers as the trees say. Trees of one horizon are enough: by as much as a customer's purchases
of 90 days are more than the model says, so are those of a month and of a year. On five shops trees of each horizon
were no better.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingRegressor

from pipeline.models.histories import Array
from pipeline.models.purchase_classifier import L2, LEARNING_RATE, LEAVES, THREADS, least_leaf, scaled

_TREES = 60
_LEAST = 1e-12  # purchases expected of a customer, to divide by
_MOST = 3.0  # where a model expects next to nothing, a multiple of it says nothing


@dataclass(frozen=True)
class BoostedCounts:
    """Trees, the columns they use and their units."""

    estimator: HistGradientBoostingRegressor
    used: NDArray[np.intp]
    units: Array

    def predict(self, features: Array) -> Array:
        """Purchases of each row of `features` (n, k) in the horizon learnt, the columns as in training; (n,)."""
        with THREADS.limit(limits=1):
            found = self.estimator.predict((features / self.units)[:, self.used])
        return np.maximum(np.asarray(found, dtype=np.float64), 0.0)


def train(features: Array, purchases: Array, money: Sequence[int] = ()) -> BoostedCounts:
    """Train on `features` (n, k), NaN where unknown, as of a day, and on `purchases` (n,) in the days after it; Poisson
    loss. `money`: columns that are amounts. Same rows in the same order: same trees. ValueError without purchases."""
    if not purchases.sum() > 0:
        raise ValueError("nobody bought: counts cannot be learnt; choose a longer horizon or use the timing models")
    used, units = scaled(features, money)
    trees = HistGradientBoostingRegressor(
        loss="poisson",
        learning_rate=LEARNING_RATE,
        max_iter=_TREES,
        max_leaf_nodes=LEAVES,
        min_samples_leaf=least_leaf(len(purchases)),
        l2_regularization=L2,
        early_stopping=False,
        random_state=0,
    )
    with THREADS.limit(limits=1):
        trees.fit((features / units)[:, used], purchases)
    return BoostedCounts(trees, used, units)


def factors(trees: Array, timing: Array, expected: Array | None = None) -> Array:
    """By how much each of n customers buys more than a timing model says, half of its total spread as the trees say.

    `trees`, `timing`: purchases of the horizon learnt, (n,). `expected`: those of the timing model in another horizon,
    whose total the factors leave as it is; by default the same.
    """
    timing = np.maximum(timing, _LEAST)
    expected = timing if expected is None else expected
    found = np.minimum((1 + trees / timing * (_total(timing) / _total(trees))) / 2, _MOST)
    return np.asarray(found * (_total(expected) / _total(found * expected)))


def _total(values: Array) -> float:
    """The same whatever order customers come in."""
    return float(np.sort(values).sum())
