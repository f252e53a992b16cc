"""NBD: everybody stays and buys at an own constant rate, the rates are gamma distributed. Nobody drops out.

Ehrenberg (1959). The last resort of the models with dropout, and what they become when dropout has nothing to explain.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.special import digamma, gammaln

from pipeline.models.histories import Array, Histories
from pipeline.models.timing import TimingModel


@dataclass(frozen=True)
class NBD(TimingModel):
    """Rates ~ gamma(shape r, rate α)."""

    name: ClassVar[str] = "nbd"
    time_parameters: ClassVar[tuple[str, ...]] = ("alpha",)
    dropout_parameter: ClassVar[str | None] = None

    r: float
    alpha: float

    def log_likelihood(self, histories: Histories) -> tuple[Array, Array]:
        """ln[Γ(r + x)/Γ(r) · α^r · (α + T)^−(r + x)]: the likelihood of the times, not of their number only."""
        x, T = histories.x, histories.T
        R, A = self.r + x, self.alpha + T
        log_A = np.log(A)
        value = (
            histories.by_x(lambda n: gammaln(self.r + n)) - gammaln(self.r) + self.r * np.log(self.alpha) - R * log_A
        )
        by_r = histories.by_x(lambda n: digamma(self.r + n)) - digamma(self.r) + np.log(self.alpha) - log_A
        by_alpha = self.r / self.alpha - R / A
        return value, np.array([by_r, by_alpha]).T

    def p_alive(self, x: Array, t_x: Array, T: Array) -> Array:
        return np.ones_like(x, dtype=np.float64)

    def expected_while_alive(self, weeks: float, x: Array, T: Array) -> Array:
        return np.asarray((self.r + x) / (self.alpha + T) * weeks, dtype=np.float64)

    def probability_of_purchase(self, weeks: float, x: Array, t_x: Array, T: Array) -> Array:
        return arrival_probability(self.r + x, self.alpha + T, weeks)

    def expected_from_start(self, weeks: Array) -> Array:
        return np.asarray(self.r / self.alpha * np.asarray(weeks, dtype=np.float64))

    def pmf_while_alive(self, weeks: float, most: int, x: Array, T: Array) -> Array:
        return counts_pmf(self.r + x, self.alpha + T, weeks, most)


def counts_pmf(R: Array, A: Array, weeks: Array | float, most: int) -> Array:
    """Γ(R + n) / (Γ(R) n!) · (A/(A+t))^R (t/(A+t))^n, n = 0..most: purchases within t weeks at a gamma(R, A) rate.

    In logs: (A/(A+t))^R alone underflows for R in the thousands.
    """
    chance = np.maximum(weeks / (A + weeks), np.finfo(np.float64).tiny)
    none = -R * np.log1p(weeks / A)
    return np.asarray(np.exp(log_ways(R, most) + none[:, None] + np.arange(most + 1) * np.log(chance)[:, None]))


def log_ways(R: Array, most: int) -> Array:
    """ln(Γ(R + n) / (Γ(R) n!)) for n = 0..most; (n, most + 1)."""
    levels, place = np.unique(R, return_inverse=True)
    counts = np.arange(1, most + 1)
    steps = np.zeros((len(levels), most + 1))
    steps[:, 1:] = np.log((levels[:, None] + counts - 1) / counts)
    return np.asarray(np.cumsum(steps, axis=1)[place])


def arrival_probability(R: Array, A: Array, weeks: float) -> Array:
    """1 − (A / (A + t))^R: a purchase within t weeks at a gamma(R, A) rate."""
    return np.asarray(-np.expm1(-R * np.log1p(weeks / A)))
