"""Models whose customers all drop out alike: what BG/NBD, MBG/NBD and Pareto/NBD become where dropout does not differ.

Their dropout parameters then run to infinity together, and only the ratio of the two is known. Here it is a parameter.
Rates of buying still differ, and are gamma(r, α).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.special import digamma, gammaln

from pipeline.models.histories import Array, Histories, distinct_pairs
from pipeline.models.nbd import arrival_probability, counts_pmf, log_ways
from pipeline.models.timing import TimingModel

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(24)
_POINTS, _SHARES = (_NODES + 1) / 2, _WEIGHTS / 2
_NEGLIGIBLE = 27.0
_HALVINGS = 12
_BLOCK = 1024  # groups at a time, so that groups × nodes stay in the processor's cache


@dataclass(frozen=True)
class ExponentialNBD(TimingModel):
    """Pareto/NBD in which everybody drops out at one rate μ a week: lifetimes are exponential, of mean 1/μ."""

    name: ClassVar[str] = "pareto_nbd"
    time_parameters: ClassVar[tuple[str, ...]] = ("alpha",)
    rate_parameters: ClassVar[tuple[str, ...]] = ("mu",)
    dropout_parameter: ClassVar[str | None] = "mu"

    r: float
    alpha: float
    mu: float

    def log_likelihood(self, histories: Histories) -> tuple[Array, Array]:
        """ln of Γ(R) α^r / Γ(r) · ((α+T)^−R e^−μT + ∫_{t_x}^T μ (α+y)^−R e^−μy dy), R = r + x."""
        x, t_x, T = histories.x, histories.t_x, histories.T
        r, alpha, mu = self.r, self.alpha, self.mu
        R, log_T = r + x, np.log(alpha + T)
        living = -R * log_T - mu * T
        integral, log_a, one_a, moment = _moments(R, alpha + t_x, mu, T - t_x)
        dead = np.log(mu) + integral - mu * t_x
        both = np.logaddexp(living, dead)
        alive, gone = np.exp(living - both), np.exp(dead - both)
        value = both + histories.by_x(lambda n: gammaln(r + n)) - gammaln(r) + r * np.log(alpha)
        by_r = histories.by_x(lambda n: digamma(r + n)) - digamma(r) + np.log(alpha) - alive * log_T - gone * log_a
        by_alpha = r / alpha - R * (alive / (alpha + T) + gone * one_a)
        by_mu = -alive * T + gone * (1 / mu - t_x - moment)
        return value, np.array([by_r, by_alpha, by_mu]).T

    def p_alive(self, x: Array, t_x: Array, T: Array) -> Array:
        """Of the two terms of the likelihood, the share of the one in which the customer lives."""
        R = self.r + x
        living = -R * np.log(self.alpha + T) - self.mu * (T - t_x)
        gone = np.log(self.mu) + _moments(R, self.alpha + t_x, self.mu, T - t_x)[0]
        return np.asarray(np.exp(living - np.logaddexp(living, gone)))

    def expected_while_alive(self, weeks: float, x: Array, T: Array) -> Array:
        """Mean rate times mean time alive, (r + x)/(α + T) · (1 − e^−μ·weeks)/μ."""
        return np.asarray((self.r + x) / (self.alpha + T) * self._time(weeks))

    def probability_of_purchase(self, weeks: float, x: Array, t_x: Array, T: Array) -> Array:
        """P(alive) · ∫_0^weeks R A^R (A+y)^−(R+1) e^−μy dy, A = α + T: alive till y, buys then."""
        (xs, Ts), place = distinct_pairs(x, T)
        R, A = self.r + xs, self.alpha + Ts
        log_density = _moments(R + 1, A, self.mu, np.zeros_like(A) + weeks)[0]
        return np.asarray(self.p_alive(x, t_x, T) * np.exp(np.log(R) + R * np.log(A) + log_density)[place])

    def expected_from_start(self, weeks: Array) -> Array:
        return np.asarray(self.r / self.alpha * self._time(np.asarray(weeks, dtype=np.float64)))

    def pmf_while_alive(self, weeks: float, most: int, x: Array, T: Array) -> Array:
        """∫_0^weeks NBD(n; R, A, τ) μ e^−μτ dτ + e^−μ·weeks NBD(n; R, A, weeks), A = α + T: gone at τ, or not yet."""
        R, A, counts = self.r + x, self.alpha + T, np.arange(most + 1)
        pmf = np.empty((len(x), most + 1))
        for first in range(0, len(x), _BLOCK):
            part = slice(first, first + _BLOCK)
            ways, shape, a = log_ways(R[part], most), R[part], A[part]
            unit = np.minimum(a, 1 / self.mu)
            width = np.log1p(weeks / unit)
            total = np.zeros_like(ways)
            for node, share in zip([*_POINTS, 1.0], [*_SHARES, 1.0], strict=True):
                moment = unit * np.expm1(width * node)
                log_weight = -self.mu * moment - shape * np.log1p(moment / a)
                if node < 1:
                    log_weight += np.log(self.mu * share * width * (unit + moment))
                total += np.exp(ways + log_weight[:, None] + counts * np.log(moment / (a + moment))[:, None])
            pmf[part] = total
        return pmf

    def _time(self, weeks: Array | float) -> Array:
        """Mean time alive within so many weeks."""
        return np.asarray(-np.expm1(-self.mu * weeks) / self.mu)


def _moments(R: Array, A: Array, mu: float, length: Array) -> Array:
    """Log of ∫_0^length (A + y)^−R e^−μy dy, and the means of ln(A + y), 1/(A + y) and y under it: (4, n)."""
    found = np.empty((4, len(R)))
    for first in range(0, len(R), _BLOCK):
        part = slice(first, first + _BLOCK)
        found[:, part] = _moments_of_block(R[part], A[part], mu, length[part])
    return found


def _moments_of_block(R: Array, A: Array, mu: float, length: Array) -> Array:
    """Gauss-Legendre quadrature over w = ln(1 + y/C), C = min(A, 1/μ), in which the integrand is smooth at every
    scale; up to where less than e^−_NEGLIGIBLE of its start is left. Its fall is convex, so that it is crossed once."""
    C = np.minimum(A, 1 / mu)

    def falls(w: Array) -> Array:
        y = C * np.expm1(w)
        return np.asarray(R * np.log1p(y / A) + mu * y - w > _NEGLIGIBLE)

    whole = np.log1p(length / C)
    short, long = np.zeros_like(whole), whole.copy()
    is_far = falls(whole)
    for _ in range(_HALVINGS if is_far.any() else 0):
        middle = (short + long) / 2
        enough = falls(middle)
        short, long = np.where(enough, short, middle), np.where(enough, middle, long)
    width = np.where(is_far, long, whole)
    w = width[:, None] * _POINTS
    y = C[:, None] * np.expm1(w)
    log_a = np.log(A[:, None] + y)
    log_terms = w - R[:, None] * log_a - mu * y
    top = log_terms.max(axis=1)
    terms = np.exp(log_terms - top[:, None]) * _SHARES
    total = terms.sum(axis=1)
    with np.errstate(divide="ignore"):
        integral = top + np.log(total * width * C)
    terms /= total[:, None]
    means = [np.einsum("ij,ij->i", terms, values) for values in (log_a, 1 / (A[:, None] + y), y)]
    return np.array([integral, *means])


@dataclass(frozen=True)
class _GeometricNBD(TimingModel):
    """Everybody drops out after a purchase with the same probability p = odds / (1 + odds)."""

    time_parameters: ClassVar[tuple[str, ...]] = ("alpha",)
    dropout_parameter: ClassVar[str | None] = "odds"
    first_chance: ClassVar[int]
    """Chances to drop out at the first purchase: 0 or 1."""

    r: float
    alpha: float
    odds: float

    @property
    def p_drop(self) -> float:
        return self.odds / (1 + self.odds)

    def log_likelihood(self, histories: Histories) -> tuple[Array, Array]:
        """ln[Γ(R)/Γ(r) · α^r q^c · ((α + T)^−R + odds · (α + t_x)^−R)], R = r + x, q = 1 − p, c = chances so far.

        The second term only where c > 0.
        """
        x, T = histories.x, histories.T
        r, alpha, odds = self.r, self.alpha, self.odds
        R, chances, log_T, log_t_x = r + x, x + self.first_chance, np.log(alpha + T), np.log(alpha + histories.t_x)
        living, dead = self._log_terms(x, histories.t_x, T)
        both = np.logaddexp(living, dead)
        alive, gone = np.exp(living - both), np.exp(dead - both)
        value = both + histories.by_x(lambda n: gammaln(r + n)) - gammaln(r) + r * np.log(alpha)
        value -= chances * np.log1p(odds)
        by_r = histories.by_x(lambda n: digamma(r + n)) - digamma(r) + np.log(alpha) - alive * log_T - gone * log_t_x
        by_alpha = r / alpha - R * (alive / (alpha + T) + gone / (alpha + histories.t_x))
        by_odds = gone / odds - chances / (1 + odds)
        return value, np.array([by_r, by_alpha, by_odds]).T

    def p_alive(self, x: Array, t_x: Array, T: Array) -> Array:
        """Of the two terms of the likelihood, the share of the one in which the customer lives."""
        living, dead = self._log_terms(x, t_x, T)
        return np.asarray(np.exp(living - np.logaddexp(living, dead)))

    def expected_while_alive(self, weeks: float, x: Array, T: Array) -> Array:
        """(1 − (A / (A + p·weeks))^R) / p, A = α + T: eq. 10 of BG/NBD for one p."""
        return arrival_probability(self.r + x, self.alpha + T, self.p_drop * weeks) / self.p_drop

    def probability_of_purchase(self, weeks: float, x: Array, t_x: Array, T: Array) -> Array:
        return self.p_alive(x, t_x, T) * arrival_probability(self.r + x, self.alpha + T, weeks)

    def expected_from_start(self, weeks: Array) -> Array:
        t = self.p_drop * np.asarray(weeks, dtype=np.float64)
        stay = 1 - self.p_drop if self.first_chance else 1.0
        return np.asarray(stay / self.p_drop * -np.expm1(-self.r * np.log1p(t / self.alpha)))

    def pmf_while_alive(self, weeks: float, most: int, x: Array, T: Array) -> Array:
        """q^n NBD(n) + [n > 0] · q^(n−1) p · (1 − Σ_{j<n} NBD(j)): still alive, or gone with the n-th of at least n."""
        while_buying = counts_pmf(self.r + x, self.alpha + T, weeks, most)
        at_least = 1 - np.cumsum(while_buying, axis=1) + while_buying
        stays = (1 - self.p_drop) ** np.arange(most + 1)
        leaves = np.append(0.0, stays[:-1] * self.p_drop)
        return np.asarray(stays * while_buying + leaves * np.maximum(at_least, 0.0))

    def _log_terms(self, x: Array, t_x: Array, T: Array) -> tuple[Array, Array]:
        """Log of the likelihood's two terms without their common factor: living at T, dropped out at t_x."""
        R = self.r + x
        dead = np.where(x + self.first_chance > 0, np.log(self.odds), -np.inf) - R * np.log(self.alpha + t_x)
        return -R * np.log(self.alpha + T), dead


@dataclass(frozen=True)
class GeometricBGNBD(_GeometricNBD):
    """BG/NBD with one probability of dropping out."""

    name: ClassVar[str] = "bgnbd"
    first_chance: ClassVar[int] = 0


@dataclass(frozen=True)
class GeometricMBGNBD(_GeometricNBD):
    """MBG/NBD with one probability of dropping out."""

    name: ClassVar[str] = "mbgnbd"
    first_chance: ClassVar[int] = 1
