"""Trend: does a customer buy more or less often than before? An exact test on two windows, and a shrunken ratio.

A customer has k1 occasions in the prior window and k2 in the recent one. If nothing changed, k2 of n = k1 + k2 is
binomial with the share s of the recent window (Przyborowski & Wilenski, 1940); the mid-p version of the test has close
to its nominal size on counts as small as a shop's (Lancaster, 1961). Computed per pair (k1, k2).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, digamma, gammaln
from scipy.stats import binom, poisson

from pipeline.models.fitting import minimise
from pipeline.models.histories import Array

Direction = Literal["growing", "declining", "stable"]
ALPHA, EQUIVALENCE = 0.1, (0.8, 1.25)
_TIE = 1 + 1e-9
"""What computes to a limit up to the last digits has reached it."""


@dataclass(frozen=True)
class RatePrior:
    """Purchase rates per window of the base ~ gamma(shape, rate)."""

    shape: float
    rate: float


def mid_p(k1: Array, k2: Array, share: float) -> Array:
    """Two-sided mid-p value of k2 given n = k1 + k2: min(1, 2·min(P(K < k2), P(K > k2)) + P(K = k2))."""
    n = k1 + k2
    here = binom.pmf(k2, n, share)
    below, above = binom.cdf(k2 - 1, n, share), binom.sf(k2, n, share)
    return np.asarray(np.minimum(1.0, 2 * np.minimum(below, above) + here))


def rate_ratio(k1: Array, k2: Array, share: float) -> Array:
    """Recent over prior rate, season taken out: (k2 / s) / (k1 / (1 − s)); infinite where k1 = 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray((k2 / share) / (k1 / (1 - share)))


def least_count(share: float, alpha: float = ALPHA) -> int | None:
    """The least n at which both a pure rise (s^n) and a pure fall ((1 − s)^n) are significant.

    None where the share is 0 or 1: then one of them never is.
    """
    if not 0 < share < 1:
        return None
    return int(np.ceil(np.log(alpha * _TIE) / np.log(max(share, 1 - share))))


def classify(k1: Array, k2: Array, share: float, alpha: float = ALPHA) -> NDArray[np.str_]:
    """growing or declining where the test rejects and the ratio leaves the equivalence band; else stable."""
    ratio, rejects = rate_ratio(k1, k2, share), mid_p(k1, k2, share) <= alpha * _TIE
    growing, declining = rejects & (ratio > EQUIVALENCE[1] * _TIE), rejects & (ratio < EQUIVALENCE[0] / _TIE)
    return np.where(growing, "growing", np.where(declining, "declining", "stable"))


def by_chance(n: Array, share: float, alpha: float = ALPHA) -> dict[Direction, Array]:
    """Probability that a customer with n occasions and no change is put into each class: the exact size of the test."""
    sizes: dict[Direction, Array] = {name: np.zeros(len(n)) for name in ("growing", "declining", "stable")}
    for count in np.unique(n).astype(int):
        k2 = np.arange(count + 1, dtype=np.float64)
        probability = binom.pmf(k2, count, share)
        classes = classify(count - k2, k2, share, alpha)
        for name, size in sizes.items():
            size[n == count] = probability[classes == name].sum()
    return sizes


def power(prior_occasions: float, ratio: float, share: float = 0.5, alpha: float = ALPHA) -> float:
    """Probability that a change of the rate by `ratio` is seen in a customer with so many prior occasions on average.

    k1 is Poisson with that mean, k2 with mean prior · ratio · s / (1 − s).
    """
    means = (prior_occasions, prior_occasions * ratio * share / (1 - share))
    counts = [np.arange(int(mean + 12 * np.sqrt(mean) + 20), dtype=np.float64) for mean in means]
    k1, k2 = (grid.ravel() for grid in np.meshgrid(*counts, indexing="ij"))
    probability = poisson.pmf(k1, means[0]) * poisson.pmf(k2, means[1])
    seen = classify(k1, k2, share, alpha) == ("growing" if ratio > 1 else "declining")
    return float(probability[seen & (k1 + k2 >= (least_count(share, alpha) or np.inf))].sum())


def fit_prior(k1: Array, k2: Array, customers: Array, share: float) -> RatePrior | None:
    """Gamma distribution of the rates, by maximum likelihood of the negative binomial counts of both windows.

    Exposure is 2(1 − s) for the prior and 2s for the recent window, so that a rate is per mean window. A base whose
    customers are all alike ends at the search's bounds, with a shape so large that every ratio is drawn to 1. None
    where nobody bought.
    """
    if not (k1 + k2) @ customers > 0:
        return None
    counts, weights = np.concatenate([k1, k2]), np.concatenate([customers, customers])
    exposure = np.concatenate([np.full(len(k1), 2 * (1 - share)), np.full(len(k2), 2 * share)])
    total = weights.sum()

    def objective(theta: Array) -> tuple[float, Array]:
        shape, rate = np.exp(theta)
        value = (
            gammaln(shape + counts) - gammaln(shape) + shape * np.log(rate) - (shape + counts) * np.log(rate + exposure)
        )
        by_shape = digamma(shape + counts) - digamma(shape) + np.log(rate) - np.log(rate + exposure)
        by_rate = shape / rate - (shape + counts) / (rate + exposure)
        slope = np.array([weights @ by_shape * shape, weights @ by_rate * rate]) / total
        return -float(weights @ value) / total, -slope

    found = minimise(objective, [np.zeros(2), np.array([1.0, -1.0])])
    shape, rate = np.exp(found.point).tolist()
    return RatePrior(shape, rate)


def shrunken_ratio(k1: Array, k2: Array, share: float, prior: RatePrior) -> Array:
    """Ratio of the posterior mean rates: ((a + k2)/(b + 2s)) / ((a + k1)/(b + 2(1 − s)))."""
    recent = (prior.shape + k2) / (prior.rate + 2 * share)
    return np.asarray(recent / ((prior.shape + k1) / (prior.rate + 2 * (1 - share))))


def probability_of_growth(k1: Array, k2: Array, share: float, prior: RatePrior) -> Array:
    """Posterior P(recent rate > prior rate); with independent gamma posteriors it is a beta probability."""
    before, after = prior.rate + 2 * (1 - share), prior.rate + 2 * share
    return np.asarray(betainc(prior.shape + k1, prior.shape + k2, before / (before + after)))
