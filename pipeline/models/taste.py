"""Taste: groups of customers who buy similar things, and whether there are any.

What customers bought is taken apart into parts (NMF); a customer belongs to the part that explains most of what they
bought. Such groups come out of noise as well, so they count only if two halves of the customers, each on its own, lead
to the same grouping of everybody, and much more so than for customers whose items are drawn by popularity.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.sparse import csr_matrix, vstack
from sklearn.decomposition import NMF
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import adjusted_rand_score
from sklearn.preprocessing import normalize

from pipeline.models.histories import Array

NUMBERS = (3, 4, 5, 6, 7, 8)
"""Numbers of groups that are tried."""
NULL_NUMBERS = (3, 5, 8)
LEAST_STABILITY, LEAST_GAIN, CLOSE = 0.5, 0.2, 0.05
LEAST_MEMBERS, LEAST_SHARE = 30, 0.02
SEED = 0
_AT_ONCE = 2_000
"""Customers drawn at once: as rows of all items they take memory."""
Labels = NDArray[np.int64]


@dataclass(frozen=True)
class Groups:
    """Parts of a matrix of customers and items; `shares`: of the parts in each customer, adding up to 1."""

    model: NMF

    @staticmethod
    def of(weights: csr_matrix, number: int) -> Groups:
        model = NMF(number, init="nndsvda", random_state=SEED, max_iter=200, tol=1e-3)
        with _quietly():
            model.fit(weights)
        return Groups(model)

    def shares(self, weights: csr_matrix) -> Array:
        """Of each part in each customer; all in the first where nothing is explained."""
        with _quietly():
            parts = self.model.transform(weights) * np.linalg.norm(self.model.components_, axis=1)
        total = parts.sum(axis=1, keepdims=True)
        parts[total[:, 0] == 0, 0] = 1.0
        return np.asarray(parts / parts.sum(axis=1, keepdims=True))

    def labels(self, weights: csr_matrix) -> Labels:
        return np.asarray(self.shares(weights).argmax(axis=1))


@contextmanager
def _quietly() -> Iterator[None]:
    """Without warnings: parts of noise do not settle, as their stability shows; a perfect fit misses 0 a little."""
    with warnings.catch_warnings(), np.errstate(invalid="ignore"):
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield


def weighted(occasions: csr_matrix) -> csr_matrix:
    """log(1 + occasions) · ln(customers / customers with the item), each customer's row of length 1."""
    counts = occasions.astype(np.float64)
    buyers = np.bincount(counts.indices, minlength=counts.shape[1])
    rarity = np.log(counts.shape[0] / np.maximum(buyers, 1))
    counts.data = np.log1p(counts.data) * rarity[counts.indices]
    return normalize(counts)


def drawn_by_popularity(occasions: csr_matrix) -> csr_matrix:
    """Customers who buy as often as these, each time an item drawn by popularity: nobody has a taste of their own."""
    dice = np.random.default_rng(SEED)
    popularity = np.asarray(occasions.sum(axis=0), dtype=np.float64).ravel()
    times = np.asarray(occasions.sum(axis=1), dtype=np.int64).ravel()
    drawn = [
        csr_matrix(dice.multinomial(times[first : first + _AT_ONCE], popularity / popularity.sum()))
        for first in range(0, len(times), _AT_ONCE)
    ]
    return vstack(drawn, format="csr")


def stability(weights: csr_matrix, halves: NDArray[np.bool_], number: int) -> float:
    """Adjusted Rand index of the groupings of everybody that two halves of the customers lead to."""
    one, other = (Groups.of(weights[half], number).labels(weights) for half in (halves, ~halves))
    return float(adjusted_rand_score(one, other))


@dataclass(frozen=True)
class Tried:
    """A number of groups on trial.

    null_stability: of customers without a taste, the mean over several numbers: a single one moves by 0.06 from draw to
    draw, as much as it does from number to number. smallest: customers of the smallest group.
    """

    number: int
    stability: float
    null_stability: float
    smallest: int
    customers: int

    @property
    def gain(self) -> float:
        return self.stability - self.null_stability

    @property
    def passes(self) -> bool:
        is_large = self.smallest >= max(LEAST_MEMBERS, LEAST_SHARE * self.customers)
        return self.stability >= LEAST_STABILITY and self.gain >= LEAST_GAIN and is_large


def tried(occasions: csr_matrix, halves: NDArray[np.bool_]) -> list[Tried]:
    """Every number of groups; `halves`: which half a customer is in."""
    weights, null = weighted(occasions), weighted(drawn_by_popularity(occasions))
    noise = float(np.mean([stability(null, halves, number) for number in NULL_NUMBERS]))
    return [
        Tried(number, stability(weights, halves, number), noise, _smallest(weights, number), weights.shape[0])
        for number in NUMBERS
    ]


def _smallest(weights: csr_matrix, number: int) -> int:
    return int(np.bincount(Groups.of(weights, number).labels(weights), minlength=number).min())


def chosen(trials: list[Tried]) -> Tried | None:
    """The largest number that passes and gains nearly as much over noise as the best."""
    passing = [trial for trial in trials if trial.passes]
    best = max((trial.gain for trial in passing), default=0.0)
    near = [trial for trial in passing if trial.gain >= best - CLOSE]
    return max(near, key=lambda trial: trial.number, default=None)


def matched(common: Array) -> Labels:
    """For each group of today the number it had before, by most common customers; new ones get the free numbers.

    common: (groups of today, numbers of before); customers of today's group who had that number.
    """
    today, before = common.shape
    rows, columns = linear_sum_assignment(-common)
    numbers = np.full(today, -1)
    for row, column in zip(rows, columns, strict=True):
        if common[row, column] > 0:
            numbers[row] = column
    free = (number for number in count() if number >= before or not common[:, number].any())
    return np.array([next(free) if number < 0 else number for number in numbers])
