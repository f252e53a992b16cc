"""Pareto/NBD: customers buy at an own gamma distributed rate, and may drop out at any moment, at another such rate.

Schmittlein, Morrison & Colombo (1987); Fader & Hardie (2005), "A Note on Deriving the Pareto/NBD Model". The Gaussian
hypergeometric functions of the papers are integrals of (A + y)^−p (B + y)^−q. They are computed as such, by Gauss-
Legendre quadrature on a logarithmic scale; their derivatives come from the same nodes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma, gammaln

from pipeline.models.equal_dropout import ExponentialNBD
from pipeline.models.histories import Array, Histories, distinct_pairs
from pipeline.models.nbd import log_ways
from pipeline.models.timing import TimingModel

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(24)  # relative error of the worst of 20,000 wild integrals: 3e-10
_POINTS = (_NODES + 1) / 2
_ENDPOINTS, _SHARES = [*_POINTS, 1.0], [*(_WEIGHTS / 2), 1.0]  # of a whole interval, and its end
_NEGLIGIBLE = 27.0
_HALVINGS = 12
_BLOCK = 1024  # groups at a time, so that groups × nodes stay in the processor's cache: twice as fast as 4096


@dataclass(frozen=True)
class ParetoNBD(TimingModel):
    """Purchase rates ~ gamma(r, α); dropout rates ~ gamma(s, β)."""

    name: ClassVar[str] = "pareto_nbd"
    time_parameters: ClassVar[tuple[str, ...]] = ("alpha", "beta")
    dropout_parameter: ClassVar[str | None] = "s"
    equal_dropout: ClassVar[type[TimingModel] | None] = ExponentialNBD

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
        integral, log_a, one_a, log_b, one_b = _moments(R, alpha, s + 1, beta, t_x, T)
        dead = np.log(s) + integral
        both = np.logaddexp(living, dead)
        alive, gone = np.exp(living - both), np.exp(dead - both)
        value = both + histories.by_x(lambda n: gammaln(r + n)) - gammaln(r) + r * np.log(alpha) + s * np.log(beta)
        by_r = histories.by_x(lambda n: digamma(r + n)) - digamma(r) + np.log(alpha)
        by_r -= alive * np.log(alpha + T) + gone * log_a
        by_alpha = r / alpha - R * (alive / (alpha + T) + gone * one_a)
        by_s = np.log(beta) - alive * np.log(beta + T) + gone * (1 / s - log_b)
        by_beta = s / beta - alive * s / (beta + T) - (s + 1) * gone * one_b
        return value, np.array([by_r, by_alpha, by_s, by_beta]).T

    def p_alive(self, x: Array, t_x: Array, T: Array) -> Array:
        """Of the two terms of the likelihood, the share of the one in which the customer lives."""
        R = self.r + x
        living = -R * np.log(self.alpha + T) - self.s * np.log(self.beta + T)
        gone = np.log(self.s) + _log_integral(R, self.alpha, self.s + 1, self.beta, t_x, T)
        return np.asarray(np.exp(living - np.logaddexp(living, gone)))

    def expected_while_alive(self, weeks: float, x: Array, T: Array) -> Array:
        """R (β+T) / ((α+T)(s−1)) · (1 − ((β+T)/(β+T+weeks))^(s−1)); eq. 41 of the note without P(alive)."""
        return self._while_alive(weeks, self.r + x, self.alpha + T, self.beta + T)

    def probability_of_purchase(self, weeks: float, x: Array, t_x: Array, T: Array) -> Array:
        """P(alive) · ∫_0^weeks R A^R B^s (A+y)^−(R+1) (B+y)^−s dy, A = α + T, B = β + T: alive till y, buys then."""
        (xs, Ts), place = distinct_pairs(x, T)
        return self.p_alive(x, t_x, T) * self._arrival(np.zeros_like(Ts) + weeks, xs, Ts)[place]

    def expected_from_start(self, weeks: Array) -> Array:
        t = np.asarray(weeks, dtype=np.float64)
        zero = np.zeros_like(t)
        return self._while_alive(t, zero + self.r, zero + self.alpha, zero + self.beta)

    def pmf_while_alive(self, weeks: float, most: int, x: Array, T: Array) -> Array:
        """Alive for τ ≤ weeks and then gone, or alive throughout; at τ the count is negative binomial.

        ∫ NBD(n; R, A, τ) · s B^s (B + τ)^−(s+1) dτ + (B / (B + weeks))^s · NBD(n; R, A, weeks), A = α + T, B = β + T,
        by Gauss-Legendre quadrature over the moment of dropping out, on the scale of its logarithm.
        """
        R, A, B = self.r + x, self.alpha + T, self.beta + T
        counts = np.arange(most + 1)
        pmf = np.empty((len(x), most + 1))
        for first in range(0, len(x), _BLOCK):
            part = slice(first, first + _BLOCK)
            ways, shape, a, b = log_ways(R[part], most), R[part], A[part], B[part]
            width = np.log1p(weeks / np.minimum(a, b))
            total = np.zeros_like(ways)
            for node, weight in zip(_ENDPOINTS, _SHARES, strict=True):
                moment = np.minimum(a, b) * np.expm1(width * node)
                log_weight = -self.s * np.log1p(moment / b) - shape * np.log1p(moment / a)
                if node < 1:
                    log_weight += np.log(self.s * weight * width * (np.minimum(a, b) + moment) / (b + moment))
                total += np.exp(ways + log_weight[:, None] + counts * np.log(moment / (a + moment))[:, None])
            pmf[part] = total
        return pmf

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


def _log_integral(p: Array, A: Array | float, q: float, B: Array | float, low: Array, high: Array) -> Array:
    """ln ∫_low^high (A + y)^−p (B + y)^−q dy (n,); −inf where low = high."""
    return np.asarray(_moments(p, A, q, B, low, high, 1)[0])


def _moments(p: Array, A: Array | float, q: float, B: Array | float, low: Array, high: Array, rows: int = 5) -> Array:
    """Log integral of (A + y)^−p (B + y)^−q; the means of ln(A+y), 1/(A+y), ln(B+y), 1/(B+y) under it: (rows, n)."""
    arrays = [np.broadcast_to(np.asarray(values, dtype=np.float64), p.shape) for values in (p, A, B, low, high)]
    found = np.empty((rows, len(p)))
    for first in range(0, len(p), _BLOCK):
        part = slice(first, first + _BLOCK)
        found[:, part] = _moments_of_block(rows, q, *(values[part] for values in arrays))
    return found


def _moments_of_block(rows: int, q: float, p: Array, A: Array, B: Array, low: Array, high: Array) -> Array:
    """The variable is w = ln((C + y)/(C + low)), C = min(A, B), in which the integrand is smooth at every scale.

    ln(C + y) is then ln(C + low) + w, which leaves one logarithm and two exponentials a node.
    """
    first = A <= B
    C, D = np.where(first, A, B) + low, np.where(first, B, A) + low
    of_C, of_D = np.where(first, p, q), np.where(first, q, p)
    width = _width(of_C, of_D, C, D, np.log1p((high - low) / C))
    w = width[:, None] * _POINTS
    growth = np.exp(w)
    d = C[:, None] * growth + (D - C)[:, None]
    log_d = np.log(d)
    log_terms = w * (1 - of_C)[:, None] - of_D[:, None] * log_d
    top = log_terms.max(axis=1)
    terms = np.exp(log_terms - top[:, None])
    total = terms @ _WEIGHTS
    with np.errstate(divide="ignore"):
        integral = top + np.log(total * width / 2) + (1 - of_C) * np.log(C)
    if rows == 1:
        return np.array([integral])
    terms *= _WEIGHTS / total[:, None]
    log_c, one_c = np.log(C) + np.einsum("ij,ij->i", terms, w), np.einsum("ij,ij->i", terms, 1 / growth) / C
    log_d, one_d = np.einsum("ij,ij->i", terms, log_d), np.einsum("ij,ij->i", terms, 1 / d)
    of_A, of_B = ((np.where(side, log_c, log_d), np.where(side, one_c, one_d)) for side in (first, ~first))
    return np.array([integral, *of_A, *of_B])


def _width(p: Array, q: Array, C: Array, D: Array, whole: Array) -> Array:
    """Up to which w to integrate: to the end, or to where less than e^−_NEGLIGIBLE of the start is left.

    For powers in the thousands all lies in a sliver at the start. The fall is convex in w, so that it is crossed once.
    """

    def falls(w: Array, at: NDArray[np.intp] | slice) -> Array:
        rest = q[at] * np.log1p(C[at] / D[at] * np.expm1(w))
        return np.asarray((p[at] - 1) * w + rest > _NEGLIGIBLE)

    far = np.flatnonzero(falls(whole, slice(None)))
    short, long = np.zeros(len(far)), whole[far]
    for _ in range(_HALVINGS if len(far) else 0):
        middle = (short + long) / 2
        enough = falls(middle, far)
        short, long = np.where(enough, short, middle), np.where(enough, middle, long)
    width = whole.copy()
    width[far] = long
    return width
