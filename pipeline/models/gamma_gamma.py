"""Gamma-Gamma: how much a customer spends per occasion, independent of how often.

Fader & Hardie (2013), "The Gamma-Gamma Model of Monetary Value". Spend per occasion is gamma(p, ν), ν ~ gamma(q, v).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import digamma, gammaln

from pipeline.models.fitting import PENALTIES, Minimum, Status, minimise
from pipeline.models.histories import Array

LEAST_REPEAT_BUYERS = 100
_STARTS = ((1.0, 2.0, 1.0), (5.0, 4.0, 0.5), (2.0, 10.0, 5.0))
"""(p, q, v in units of the mean spend)."""


@dataclass(frozen=True)
class Spenders:
    """Groups of repeat buyers: x repeat occasions, m their mean value (currency), how many customers; all (n,)."""

    x: Array
    m: Array
    customers: Array

    def __post_init__(self) -> None:
        if (self.x <= 0).any() or (self.m <= 0).any() or (self.customers <= 0).any():
            raise ValueError("spenders need x > 0, m > 0 and customers > 0")

    @property
    def total(self) -> float:
        return float(self.customers.sum())


@dataclass(frozen=True)
class GammaGamma:
    """Shape p of a customer's spend, shape q and scale v (currency) of how customers differ; the mean needs q > 1."""

    p: float
    q: float
    v: float

    @property
    def mean_spend(self) -> float:
        """p·v / (q − 1): expected spend per occasion of a customer of whom nothing is known."""
        return self.p * self.v / (self.q - 1)

    def expected_spend(self, x: Array, m: Array) -> Array:
        """E[spend per occasion | x, m] = p (v + x·m) / (p·x + q − 1); eq. 5. With x = 0 the mean of all customers."""
        return np.asarray(self.p * (self.v + x * np.where(x > 0, m, 0.0)) / (self.p * x + self.q - 1))

    def log_likelihood(self, spenders: Spenders) -> tuple[Array, Array]:
        """Log density of the mean m of x occasions, eq. 1a, and its derivatives by (p, q, v): (n,), (n, 3)."""
        p, q, v, x, m = self.p, self.q, self.v, spenders.x, spenders.m
        shape, whole = p * x, p * x + q
        value = (
            gammaln(whole) - gammaln(shape) - gammaln(q)
            + q * np.log(v) + (shape - 1) * np.log(m) + shape * np.log(x) - whole * np.log(v + m * x)
        )  # fmt: skip
        share = np.log(m) + np.log(x) - np.log(v + m * x)
        by_p = x * (digamma(whole) - digamma(shape) + share)
        by_q = digamma(whole) - digamma(q) + np.log(v) - np.log(v + m * x)
        by_v = q / v - whole / (v + m * x)
        return value, np.column_stack([by_p, by_q, by_v])


@dataclass(frozen=True)
class SpendFit:
    """A fitted spend model; `covariance` is that of (ln p, ln q, ln v)."""

    model: GammaGamma
    status: Status
    log_likelihood: float
    covariance: Array | None
    customers: float
    groups: int
    iterations: int
    start: int
    penalty: float
    reason: str = ""

    @property
    def standard_errors(self) -> Array | None:
        values = np.array([self.model.p, self.model.q, self.model.v])
        return None if self.covariance is None else values * np.sqrt(np.diag(self.covariance))


def fit_spend(spenders: Spenders, last: GammaGamma | None = None) -> SpendFit:
    """Fit by maximum likelihood. Refused where q ≤ 1 (no mean exists), and otherwise like the timing models."""
    attempts = [_attempt(spenders, penalty, last) for penalty in PENALTIES[:1]]
    for penalty in PENALTIES[1:]:
        if attempts[-1].status != "refused":
            break
        attempts.append(_attempt(spenders, penalty, last))
    return attempts[-1] if attempts[-1].status != "refused" else attempts[0]


def _attempt(spenders: Spenders, penalty: float, last: GammaGamma | None) -> SpendFit:
    unit = float(np.average(spenders.m, weights=spenders.customers))
    scaled = Spenders(spenders.x, spenders.m / unit, spenders.customers)
    total = spenders.total

    def objective(theta: Array) -> tuple[float, Array]:
        parameters = np.exp(theta)
        with np.errstate(all="ignore"):
            value, slopes = GammaGamma(*parameters.tolist()).log_likelihood(scaled)
        mean = float((scaled.customers * value).sum()) / total  # not by BLAS, whose sums depend on its threads
        slope = (scaled.customers * slopes.T).sum(axis=1) / total * parameters
        if not np.isfinite(mean) or not np.isfinite(slope).all():
            return np.inf, np.zeros_like(theta)
        return -mean + penalty * float(theta @ theta), -slope + 2 * penalty * theta

    starts = [np.log(np.array(values)) for values in _STARTS]
    if last is not None:
        starts.insert(0, np.log(np.array([last.p, last.q, last.v / unit])))
    found = minimise(objective, starts)
    p, q, v = np.exp(found.point).tolist()
    reason = _why_refused(found, q)
    shrinkage = penalty * float(found.point @ found.point)
    return SpendFit(
        model=GammaGamma(p, q, v * unit),
        status="refused" if reason else "penalised" if penalty else "converged",
        log_likelihood=-(found.value - shrinkage) * total - total * np.log(unit),
        covariance=None if reason else np.asarray(np.linalg.inv(found.hessian * total), dtype=np.float64),
        customers=total,
        groups=len(spenders.x),
        iterations=found.iterations,
        start=found.start,
        penalty=penalty,
        reason=reason,
    )


def _why_refused(found: Minimum, q: float) -> str:
    if not np.isfinite(found.point).all():
        return "the likelihood is not finite at any start"
    if not found.moved:
        return "the search stopped where it started"
    if not found.is_proper:
        return "no maximum inside: a parameter runs to 0 or infinity, or the Hessian is not definite"
    return "q is at most 1, so that the mean spend does not exist" if q <= 1 else ""
