"""Survival: how long customers stay silent. Kaplan–Meier on grouped durations, and what is read off the curve.

Kaplan & Meier (1958); the variance is Greenwood's (1926). Durations are whole days, so a curve has as many points as
days and costs the same for any number of customers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from pipeline.models.histories import Array

HORIZONS = (365, 270, 180, 90)
LEAST_AT_RISK, LEAST_AT_HORIZON, LEAST_IN_QUARTER = 100, 200, 50
"""Silences still watched for a point of a curve, for a horizon, and for that of a quarter of a year."""
LEAST_RETURNED = 20
_NORMAL_95 = 1.959963984540054
_TIE = 1e-12
"""Products of fractions that are equal on paper differ by less."""


@dataclass(frozen=True)
class SurvivalCurve:
    """Survival by whole days 0 … n − 1.

    `survival[t]`: probability that silence lasts longer than t days; `at_risk[t]`: silences that have lasted at least
    t days and were watched then; `variance[t]`: Greenwood's, of survival[t]. All (n,).
    """

    survival: Array
    at_risk: Array
    variance: Array

    @classmethod
    def of(cls, days: Array, ended: Array, weights: Array, longest: int | None = None) -> Self:
        """From durations in days, whether a purchase ended them (else they were censored then), and how many of each.

        A duration censored on a day counts as at risk on that day. Raises ValueError for negative durations.
        """
        days = np.asarray(days, dtype=np.int64)
        if len(days) and days.min() < 0:
            raise ValueError("durations must not be negative")
        size = 1 + max(int(days.max()) if len(days) else 0, longest or 0)
        events, leaving = (np.bincount(days, counted, size).astype(float) for counted in (weights * ended, weights))
        return cls.of_counts(events, leaving)

    @classmethod
    def of_counts(cls, events: Array, leaving: Array) -> Self:
        """From how many durations a purchase ended on each day, and how many ended or were censored on it; (n,)."""
        at_risk = leaving[::-1].cumsum()[::-1]
        with np.errstate(divide="ignore", invalid="ignore"):
            hazard = np.where(at_risk > 0, events / at_risk, 0.0)
            terms = np.where(at_risk > events, events / (at_risk * (at_risk - events)), 0.0)
        survival = np.cumprod(1 - hazard)
        return cls(survival, at_risk, survival**2 * np.cumsum(terms))

    def interval(self) -> tuple[Array, Array]:
        """95 % interval of the survival on the log-log scale, which keeps it inside [0, 1]."""
        inside = (self.survival > 0) & (self.survival < 1)
        safe = np.where(inside, self.survival, 0.5)
        width = np.where(inside, _NORMAL_95 * np.sqrt(self.variance) / np.abs(safe * np.log(safe)), 0.0)
        low, high = safe ** np.exp(width), safe ** np.exp(-width)
        return np.where(inside, low, self.survival), np.where(inside, high, self.survival)

    def quantile(self, share: float) -> int | None:
        """First day by which at least `share` have bought; None if the curve does not get there."""
        return _first(self.survival <= 1 - share + _TIE)

    def chance(self, within: int = 90) -> Array:
        """P(a purchase in the next `within` days | silent for t days), for all t with enough silences at risk then.

        1 − S(t + within) / S(t); NaN from the first t on at which fewer than LEAST_AT_RISK are still watched.
        """
        usable = len(self.survival) - within
        if usable <= 0:
            return np.empty(0)
        now, then = self.survival[:usable], self.survival[within:]
        with np.errstate(divide="ignore", invalid="ignore"):
            chance = np.where(now > 0, 1 - then / now, np.nan)
        return np.where(self.at_risk[within:] >= LEAST_AT_RISK, chance, np.nan)

    def limit(self, share: float, within: int = 90) -> int | None:
        """First day of silence on which the chance is below `share` of what it is at the start; None if not reached."""
        chance = self.chance(within)
        return _first(chance < share * chance[0] - _TIE) if len(chance) and np.isfinite(chance[0]) else None

    def horizon(self) -> int | None:
        """The longest of HORIZONS at which enough silences are still watched."""
        reached = [h for h in HORIZONS if h < len(self.at_risk) and self.at_risk[h] >= LEAST_AT_HORIZON]
        return max(reached, default=None)

    def half_life(self, horizon: int) -> int | None:
        """First day t on which P(purchase by `horizon` | none by t) is below half of what it is at the start."""
        now = self.survival[: horizon + 1]
        with np.errstate(divide="ignore", invalid="ignore"):
            hope = np.where(now > 0, 1 - now[-1] / now, 0.0)
        return _first(hope < hope[0] / 2 - _TIE) if hope[0] > 0 else None

    def return_quantile(self, share: float, horizon: int) -> int | None:
        """First day by which at least `share` of those who buy by `horizon` have bought; None where nobody does."""
        back = 1 - self.survival[: horizon + 1]
        return _first(back >= share * back[-1] - _TIE) if back[-1] > 0 else None

    def majority(self, limit: int) -> int | None:
        """First day t on which silence up to `limit` is more likely than a purchase before it, given silence till t."""
        if limit >= len(self.survival):
            return None
        now = self.survival[: limit + 1]
        with np.errstate(divide="ignore", invalid="ignore"):
            return _first(np.where(now > 0, now[-1] / now, 0.0) > 0.5 + _TIE)


def resampled(
    days: Array, ended: Array, weights: Array, buckets: NDArray[Any], draws: int, seed: int, longest: int | None = None
) -> list[SurvivalCurve]:
    """Curves of buckets drawn with replacement; none of no silences.

    All silences of a customer are in one bucket, so that what a customer's silences have in common widens the interval
    as it should (a cluster bootstrap). Counted once by bucket and day, a draw costs the same for any number of them.
    """
    names, place = np.unique(buckets, return_inverse=True)
    if not len(names):
        return []
    size = 1 + max(int(days.max()), longest or 0)
    cells, shape = place * size + np.asarray(days, dtype=np.int64), (len(names), size)
    events = np.bincount(cells, weights * ended, len(names) * size).reshape(shape)
    leaving = np.bincount(cells, weights, len(names) * size).reshape(shape)
    times = (
        np.random.default_rng(seed).multinomial(len(names), np.full(len(names), 1 / len(names)), draws).astype(float)
    )
    with threadpool_limits(1):  # threads of BLAS wait for each other longer than they compute
        drawn = times @ events, times @ leaving
    return [SurvivalCurve.of_counts(*counts) for counts in zip(*drawn, strict=True)]


def percentile_interval(found: Sequence[int | None]) -> tuple[int | None, int | None]:
    """The middle 95 % of days read off resampled curves; an end is None where so many do not get there."""
    if not found:
        return None, None
    days = [np.inf if day is None else day for day in found]
    low, high = np.quantile(days, (0.025, 0.975), method="inverted_cdf")
    return (int(low) if np.isfinite(low) else None), (int(high) if np.isfinite(high) else None)


def _first(true: NDArray[np.bool_]) -> int | None:
    places = np.flatnonzero(true)
    return int(places[0]) if len(places) else None
