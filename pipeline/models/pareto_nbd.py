"""Pareto/NBD: customers buy at an own gamma distributed rate, and may drop out at any moment, at another such rate.

Schmittlein, Morrison & Colombo (1987); Fader & Hardie (2005), "A Note on Deriving the Pareto/NBD Model". The Gaussian
hypergeometric functions of the papers are integrals of (A + y)^−p (B + y)^−q. They are computed as such, by Gauss-
Legendre quadrature on a logarithmic scale; their derivatives come from the same nodes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.special import digamma, gammaln

from pipeline.models.histories import Array, Histories
from pipeline.models.timing import TimingModel

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(32)
_NEGLIGIBLE = 30.0
_HALVINGS = 12
_BISECTIONS = 60


@dataclass(frozen=True)
class ParetoNBD(TimingModel):
    """Purchase rates ~ gamma(r, α); dropout rates ~ gamma(s, β)."""

    name: ClassVar[str] = "pareto_nbd"
    time_parameters: ClassVar[tuple[str, ...]] = ("alpha", "beta")
    dropout_parameter: ClassVar[str | None] = "s"

    r: float
    alpha: float
    s: float
    beta: float

    def log_likelihood(self, histories: Histories) -> tuple[Array, Array]:
        """ln of Γ(R) α^r β^s / Γ(r) · ((α+T)^−R (β+T)^−s + ∫_{t_x}^T s (α+y)^−R (β+y)^−(s+1) dy), R = r + x.

        The integral is over the moment y of dropping out; it is eq. 20 of the note before its ₂F₁.
        """
        x, t_x, T = histories.x, histories.t_x, histories.T
        r, alpha, s, beta = self.r, self.alpha, self.s, self.beta
        R = r + x
        living = -R * np.log(alpha + T) - s * np.log(beta + T)
        moments, log_weights = _nodes(R, alpha, s + 1, beta, t_x, T)
        log_a, log_b = np.log(alpha + moments), np.log(beta + moments)
        terms = log_weights + np.log(s) - R[:, None] * log_a - (s + 1) * log_b
        both = np.logaddexp(living, _log_sum(terms))
        alive, gone = np.exp(living - both), np.exp(terms - both[:, None])
        value = gammaln(R) - gammaln(r) + r * np.log(alpha) + s * np.log(beta) + both
        by_r = digamma(R) - digamma(r) + np.log(alpha) - alive * np.log(alpha + T) - (gone * log_a).sum(axis=1)
        by_alpha = r / alpha - R * (alive / (alpha + T) + (gone / (alpha + moments)).sum(axis=1))
        by_s = np.log(beta) - alive * np.log(beta + T) + (gone * (1 / s - log_b)).sum(axis=1)
        by_beta = s / beta - alive * s / (beta + T) - (s + 1) * (gone / (beta + moments)).sum(axis=1)
        return value, np.column_stack([by_r, by_alpha, by_s, by_beta])

    def p_alive(self, x: Array, t_x: Array, T: Array) -> Array:
        """Of the two terms of the likelihood, the share of the one in which the customer lives."""
        R = self.r + x
        living = -R * np.log(self.alpha + T) - self.s * np.log(self.beta + T)
        gone = np.log(self.s) + _log_integral(R, self.alpha, self.s + 1, self.beta, t_x, T)
        return np.asarray(np.exp(living - np.logaddexp(living, gone)))

    def expected_purchases(self, weeks: float, x: Array, t_x: Array, T: Array) -> Array:
        """P(alive) · R (β+T) / ((α+T)(s−1)) · (1 − ((β+T)/(β+T+weeks))^(s−1)); eq. 41 of the note."""
        return self.p_alive(x, t_x, T) * self._while_alive(weeks, self.r + x, self.alpha + T, self.beta + T)

    def probability_of_purchase(self, weeks: float, x: Array, t_x: Array, T: Array) -> Array:
        """P(alive) · ∫_0^weeks R A^R B^s (A+y)^−(R+1) (B+y)^−s dy, A = α + T, B = β + T: alive till y, buys then."""
        return self.p_alive(x, t_x, T) * self._arrival(np.zeros_like(T) + weeks, x, T)

    def expected_from_start(self, weeks: Array) -> Array:
        t = np.asarray(weeks, dtype=np.float64)
        zero = np.zeros_like(t)
        return self._while_alive(t, zero + self.r, zero + self.alpha, zero + self.beta)

    def next_purchase(self, share: float, within: float, x: Array, t_x: Array, T: Array) -> Array:
        """By bisection; all groups at once."""
        low, high = np.zeros_like(T), np.zeros_like(T) + within
        wanted = share * self._arrival(high, x, T)
        for _ in range(_BISECTIONS):
            middle = (low + high) / 2
            later = self._arrival(middle, x, T) < wanted
            low, high = np.where(later, middle, low), np.where(later, high, middle)
        return (low + high) / 2

    def _arrival(self, weeks: Array, x: Array, T: Array) -> Array:
        """Probability that a customer alive at T buys within so many weeks."""
        R, A, B = self.r + x, self.alpha + T, self.beta + T
        log_density = _log_integral(R + 1, A, self.s, B, np.zeros_like(T), weeks)
        return np.asarray(np.exp(np.log(R) + R * np.log(A) + self.s * np.log(B) + log_density))

    def _while_alive(self, weeks: Array | float, R: Array, A: Array, B: Array) -> Array:
        decay = np.log1p(weeks / B)
        order = self.s - 1
        mean_time = decay if order == 0 else -np.expm1(-order * decay) / order
        return np.asarray(R * B / A * mean_time)


def _nodes(p: Array, A: Array | float, q: float, B: Array | float, low: Array, high: Array) -> tuple[Array, Array]:
    """Where to evaluate (A + y)^−p (B + y)^−q between `low` and `high` (n, nodes), and the log of each node's weight.

    The variable is w = ln(C + y), C = min(A, B), in which the integrand is smooth at every scale. The range ends early
    where what is left is below e^−_NEGLIGIBLE of the start: for p in the thousands all lies in a sliver above `low`.
    """
    C = np.minimum(A, B)

    def fall(w: Array) -> Array:
        y = (C + low) * np.expm1(w)
        return np.asarray(p * np.log1p(y / (A + low)) + q * np.log1p(y / (B + low)) - w)

    whole = np.log((C + high) / (C + low))
    short, long = np.zeros_like(whole), whole
    for _ in range(_HALVINGS):
        middle = (short + long) / 2
        enough = fall(middle) > _NEGLIGIBLE
        short, long = np.where(enough, short, middle), np.where(enough, middle, long)
    w = long[:, None] * (_NODES + 1) / 2
    start = np.asarray(C + low)[:, None]
    moments = np.asarray(low)[:, None] + start * np.expm1(w)
    with np.errstate(divide="ignore"):
        log_weights = np.log(start * long[:, None] * _WEIGHTS / 2) + w
    return moments, log_weights


def _log_integral(p: Array, A: Array | float, q: float, B: Array | float, low: Array, high: Array) -> Array:
    """ln ∫_low^high (A + y)^−p (B + y)^−q dy; −inf where low = high."""
    moments, log_weights = _nodes(p, A, q, B, low, high)
    columns = (np.asarray(A)[..., None] + moments, np.asarray(B)[..., None] + moments)
    return _log_sum(log_weights - p[:, None] * np.log(columns[0]) - q * np.log(columns[1]))


def _log_sum(terms: Array) -> Array:
    top = terms.max(axis=1)
    safe = np.where(np.isfinite(top), top, 0.0)
    with np.errstate(divide="ignore"):
        return np.asarray(safe + np.log(np.exp(terms - safe[:, None]).sum(axis=1)))
