"""Intervals of value that hold what they promise: both ends moved by as much as it took on the holdout.

Conformalised quantile regression: Romano, Patterson & Candès (2019). The score of a customer is how far both ends of
the interval would have to move for it to just hold what was spent; the correction is the quantile of the scores that
holds the promised share of the customers. Customers with more purchases behind them are another matter than those with
few, so there is a correction for each class of x.

Ends move on the scale of ln(spend + u), u the expected value of one purchase: far above a purchase that is the scale of
ratios, and spending nothing still has a place on it. All amounts of a customer may be in any unit, if it is the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.models.histories import Array

CLASSES = ("0", "1", "2–4", "5–9", "10 or more")
"""Repeat purchases of the customers of a class."""
LEAST_CUSTOMERS = 200
_BORDERS = (1, 2, 5, 10)
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Interval:
    """Of n customers (or groups): both ends, the mean that lies between them, and u; all (n,), and x."""

    x: Array
    low: Array
    high: Array
    mean: Array
    unit: Array

    @property
    def place(self) -> NDArray[np.intp]:
        """Class of each, its place in CLASSES."""
        return np.asarray(np.searchsorted(_BORDERS, self.x, side="right"))

    def times(self, factors: Array) -> Interval:
        """Of customers who buy so many times as much; (n,)."""
        scaled = (factors * amount for amount in (self.low, self.high, self.mean, self.unit))
        return Interval(self.x, *scaled)

    def scores(self, spent: Array) -> Array:
        """How far both ends must move for each interval to just hold what was spent; negative where they have room.

        An interval that begins at nothing has but one end to move.
        """
        low, high, there = (np.log(amount + self.unit) for amount in (self.low, self.high, spent))
        return np.asarray(np.maximum(np.where(self.low > 0, low - there, -np.inf), there - high))

    def moved(self, corrections: Array) -> tuple[Array, Array]:
        """Both ends after the correction of each class, never so near that the mean is outside."""
        by = corrections[self.place]
        low = np.where(self.low > 0, (self.low + self.unit) * np.exp(-by) - self.unit, 0.0)
        high = (self.high + self.unit) * np.exp(by) - self.unit
        return np.clip(low, 0.0, self.mean), np.maximum(high, self.mean)


@dataclass(frozen=True)
class Coverage:
    """Of one class on the holdout.

    customers; how many of them would spend nothing with more than the promised probability, so that their interval is
    nothing and holds more; shares of the others inside the model's interval, and inside the corrected one, each judged
    by the corrections of customers other than itself; the correction, and whether it is that of the class alone.
    """

    name: str
    customers: int
    nothing: int
    before: float
    after: float
    correction: float
    is_own: bool


def corrections(interval: Interval, spent: Array, share: float) -> tuple[Array, NDArray[np.bool_]]:
    """Of each of CLASSES, and whether it is its own: classes of fewer than LEAST_CUSTOMERS have that of all.

    Those whose interval is nothing tell nothing of how wide one should be. Without anybody else there is none: 0.
    """
    told = interval.high > 0
    scores, place = interval.scores(spent)[told], interval.place[told]
    is_own = np.bincount(place, minlength=len(CLASSES)) >= LEAST_CUSTOMERS
    of_all = _quantile(scores, share)
    found = [_quantile(scores[place == n], share) if own else of_all for n, own in enumerate(is_own)]
    return np.array(found), is_own


def coverage(
    interval: Interval, spent: Array, share: float, folds: NDArray[np.intp]
) -> tuple[Array, Sequence[Coverage]]:
    """Corrections by class from all customers, and what they are worth: each of `folds` (n,) judged by the others."""
    found, is_own = corrections(interval, spent, share)
    before = _inside(spent, interval.low, interval.high)
    after = np.zeros(len(spent), dtype=bool)
    for fold in np.unique(folds):
        here = folds == fold
        low, high = _some(interval, here).moved(corrections(_some(interval, ~here), spent[~here], share)[0])
        after[here] = _inside(spent[here], low, high)
    told, place, rows = interval.high > 0, interval.place, []
    for n, name in enumerate(CLASSES):
        here = place == n
        judged = here & told
        if here.any():
            held, holds = (float(inside[judged].mean()) if judged.any() else float("nan") for inside in (before, after))
            nothing = int((here & ~told).sum())
            rows.append(Coverage(name, int(here.sum()), nothing, held, holds, float(found[n]), bool(is_own[n])))
    return found, rows


def _some(interval: Interval, which: NDArray[np.bool_]) -> Interval:
    return Interval(*(values[which] for values in vars(interval).values()))


def _inside(spent: Array, low: Array, high: Array) -> NDArray[np.bool_]:
    """An end stands where somebody's spend was: rounding must not put them outside, and all who spent the same."""
    return np.asarray((spent >= low * (1 - _ROUNDING)) & (spent <= high * (1 + _ROUNDING)))


def _quantile(scores: Array, share: float) -> float:
    """The ⌈(n + 1)·share⌉-th smallest of n scores, with which a new customer is inside with at least this share."""
    if not len(scores):
        return 0.0
    place = min(int(np.ceil((len(scores) + 1) * share)), len(scores)) - 1
    return float(np.partition(scores, place)[place])
