"""BG/NBD and MBG/NBD: customers buy at an own gamma distributed rate and drop out with an own beta distributed
probability after a purchase.

BG/NBD: Fader, Hardie & Lee (2005), "Counting Your Customers" the Easy Way; nobody drops out after the first purchase.
MBG/NBD: Batislam, Denizel & Filiztekin (2007); the first purchase may be the last. The two differ in one number: after
x repeat purchases a living customer has survived x or x + 1 chances to drop out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.special import betaln, digamma, gammaln, hyp2f1

from pipeline.models.equal_dropout import GeometricBGNBD, GeometricMBGNBD
from pipeline.models.histories import Array, Histories
from pipeline.models.nbd import arrival_probability, counts_pmf
from pipeline.models.timing import TimingModel

_NEAR = 1e-5


@dataclass(frozen=True)
class _BetaGeometric(TimingModel):
    """Rates ~ gamma(r, α); dropout probabilities ~ beta(a, b)."""

    time_parameters: ClassVar[tuple[str, ...]] = ("alpha",)
    dropout_parameter: ClassVar[str | None] = "a"
    first_chance: ClassVar[int]
    """Chances to drop out at the first purchase: 0 or 1."""

    r: float
    alpha: float
    a: float
    b: float

    def log_likelihood(self, histories: Histories) -> tuple[Array, Array]:
        """ln[Γ(R) α^r / Γ(r) · B(a, β)/B(a, b) · ((α + T)^−R + a/(β − 1) · (α + t_x)^−R)], R = r + x, β = b + chances.

        BG/NBD: eq. 6 of the paper with B(a + 1, β − 1)/B(a, β) = a/(β − 1); the second term only where x > 0.
        """
        x, t_x, T = histories.x, histories.t_x, histories.T
        r, alpha, a, b = self.r, self.alpha, self.a, self.b
        R, beta = r + x, self._beta(x)
        log_T, log_t_x = np.log(alpha + T), np.log(alpha + t_x)
        living = -R * log_T
        dead = histories.by_x(self._log_odds) - R * log_t_x
        both = np.logaddexp(living, dead)
        alive, gone = np.exp(living - both), np.exp(dead - both)
        value = both + histories.by_x(lambda n: gammaln(r + n) + betaln(a, self._beta(n)))
        value += r * np.log(alpha) - gammaln(r) - betaln(a, b)
        safe = np.where(gone > 0, beta - 1, 1.0)
        by_r = histories.by_x(lambda n: digamma(r + n)) - alive * log_T - gone * log_t_x + np.log(alpha) - digamma(r)
        by_alpha = r / alpha - R * (alive / (alpha + T) + gone / (alpha + t_x))
        by_a = histories.by_x(lambda n: digamma(a + b) - digamma(a + self._beta(n))) + gone / a
        by_b = histories.by_x(lambda n: digamma(a + b) - digamma(a + self._beta(n)) + digamma(self._beta(n)))
        by_b -= digamma(b) + gone / safe
        return value, np.array([by_r, by_alpha, by_a, by_b]).T

    def p_alive(self, x: Array, t_x: Array, T: Array) -> Array:
        """Of the two terms of the likelihood, the share of the one in which the customer lives."""
        living, dead = self._log_terms(x, t_x, T)
        return np.asarray(np.exp(living - np.logaddexp(living, dead)))

    def expected_while_alive(self, weeks: float, x: Array, T: Array) -> Array:
        """∫ (1 − (A / (A + p·weeks))^R) / p · beta(p; a, β) dp with A = α + T; eq. 10 of the paper without P(alive)."""
        return self._while_alive(weeks, self.r + x, self.alpha + T, self._beta(x))

    def probability_of_purchase(self, weeks: float, x: Array, t_x: Array, T: Array) -> Array:
        """P(alive) · (1 − (A / (A + weeks))^R): a living customer cannot drop out before the next purchase."""
        return self.p_alive(x, t_x, T) * arrival_probability(self.r + x, self.alpha + T, weeks)

    def expected_from_start(self, weeks: Array) -> Array:
        """Eq. 9 of the paper. MBG/NBD: a share a/(a + b) is gone at once; the others have beta(a, b + 1)."""
        t = np.asarray(weeks, dtype=np.float64)
        zero = np.zeros_like(t)
        stay = self.b / (self.a + self.b) if self.first_chance else 1.0
        return stay * self._while_alive(t, zero + self.r, zero + self.alpha, self._beta(zero))

    def pmf_while_alive(self, weeks: float, most: int, x: Array, T: Array) -> Array:
        """Still alive after n purchases, or gone with the n-th of at least n: eq. 8 of the paper for beta(a, β).

        B(a, β+n)/B(a, β) · NBD(n) + [n > 0] · B(a+1, β+n−1)/B(a, β) · (1 − Σ_{j<n} NBD(j)), rates gamma(r+x, α+T).
        Someone who may be gone with the first purchase already (MBG/NBD) is, after T, like anyone else.
        """
        counts = np.arange(most + 1)
        levels, place = np.unique(x, return_inverse=True)  # what depends on x alone is the same in whole blocks
        beta = self._beta(levels)[:, None]
        while_buying = counts_pmf(self.r + x, self.alpha + T, weeks, most)
        at_least = 1 - np.cumsum(while_buying, axis=1) + while_buying
        stays = np.exp(betaln(self.a, beta + counts) - betaln(self.a, beta))
        leaves = np.zeros_like(stays)
        leaves[:, 1:] = stays[:, 1:] * self.a / (beta + counts[1:] - 1)
        return np.asarray(stays[place] * while_buying + leaves[place] * np.maximum(at_least, 0.0))

    def _beta(self, x: Array) -> Array:
        """Second parameter of the dropout distribution of a customer who lives after x repeat purchases."""
        return np.asarray(self.b + x + self.first_chance)

    def _log_terms(self, x: Array, t_x: Array, T: Array) -> tuple[Array, Array]:
        """Log of the likelihood's two terms without their common factor: living at T, dropped out at t_x."""
        R = self.r + x
        return -R * np.log(self.alpha + T), self._log_odds(x) - R * np.log(self.alpha + t_x)

    def _log_odds(self, x: Array) -> Array:
        """ln(a / (β − 1)), −∞ before the first chance to drop out."""
        has_chance = (x + self.first_chance) > 0
        odds = np.where(has_chance, self.a / np.where(has_chance, self._beta(x) - 1, 1.0), 1.0)
        return np.asarray(np.where(has_chance, np.log(odds), -np.inf))

    def _while_alive(self, weeks: Array | float, R: Array, A: Array, beta: Array) -> Array:
        """(c / (a − 1)) · (1 − (A/(A+t))^(a−1) · ₂F₁(c − R, a − 1; c; t/(A+t))), c = a + β − 1.

        The paper's ₂F₁(R, β; c; z) after Euler's transformation, in which x stands in c only: no overflow for x in the
        thousands. At a = 1 and c = 0 the formula is 0/0 and its value the limit: the mean of both sides.
        """
        c = self.a + beta - 1
        if abs(self.a - 1) < _NEAR:
            sides = (type(self)(self.r, self.alpha, 1 + side * 2 * _NEAR, self.b) for side in (-1, 1))
            return np.asarray(sum(model._while_alive(weeks, R, A, beta) for model in sides) / 2)
        c = np.where(np.abs(c) < _NEAR, np.where(c < 0, -_NEAR, _NEAR), c)
        power = np.exp((self.a - 1) * -np.log1p(weeks / A))
        series = hyp2f1(c - R, self.a - 1, c, weeks / (A + weeks))
        return np.asarray(c / (self.a - 1) * (1 - power * series))


@dataclass(frozen=True)
class BGNBD(_BetaGeometric):
    """Dropout only after repeat purchases, so that everyone who bought once is alive for sure."""

    name: ClassVar[str] = "bgnbd"
    equal_dropout: ClassVar[type[TimingModel] | None] = GeometricBGNBD
    first_chance: ClassVar[int] = 0


@dataclass(frozen=True)
class MBGNBD(_BetaGeometric):
    """Dropout after any purchase, the first one too."""

    name: ClassVar[str] = "mbgnbd"
    equal_dropout: ClassVar[type[TimingModel] | None] = GeometricMBGNBD
    first_chance: ClassVar[int] = 1
