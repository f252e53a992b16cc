"""Uplift: what a treated and a control group, drawn by lot, differ in, with intervals that hold what they promise.

Shares: Newcombe's hybrid score interval (1998, method 10), the ratio by MOVER-R (Donner & Zou 2012) on the same limits.
Means: Welch's t; with what members spent before, CUPED (Deng et al. 2013). All are functions of sums per group.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log, sqrt

from scipy.stats import chi2, norm, t

from pipeline.models.validation import Z, wilson_interval

_POWER = 2.801585
"""z of 97.5 % and of 80 %: what is found in four of five cases at the 5 % level."""


@dataclass(frozen=True)
class Effect:
    """Treated less control, with its 95 % interval and its p-value against no difference."""

    difference: float
    low: float
    high: float
    p: float


@dataclass(frozen=True)
class Arm:
    """A group: n members, buyers among them, sums of spend y, of x (spend before) and of their squares and products."""

    n: int
    buyers: int
    y: float
    yy: float
    x: float = 0.0
    xx: float = 0.0
    xy: float = 0.0

    def mean(self, theta: float = 0.0) -> float:
        return (self.y - theta * self.x) / self.n

    def spread(self, theta: float = 0.0) -> float:
        """Sum of squared deviations of y − θx from their mean."""
        yy = self.yy - self.y**2 / self.n
        return max(0.0, yy - 2 * theta * self.co_spread() + theta**2 * self.x_spread())

    def co_spread(self) -> float:
        return self.xy - self.x * self.y / self.n

    def x_spread(self) -> float:
        return self.xx - self.x**2 / self.n

    def variance_of_mean(self, theta: float = 0.0) -> float:
        return self.spread(theta) / (self.n - 1) / self.n


def _limits(arm: Arm) -> tuple[float, float]:
    """Wilson's interval of the share of buyers, kept inside [0, 1] where rounding would leave it."""
    low, high = wilson_interval(arm.buyers / arm.n, arm.n)
    return max(0.0, low), min(1.0, high)


def shares(treated: Arm, control: Arm) -> Effect:
    """Difference of the shares of buyers: Newcombe's interval, p by the pooled normal test."""
    p1, p0 = treated.buyers / treated.n, control.buyers / control.n
    (l1, u1), (l0, u0) = _limits(treated), _limits(control)
    pooled = (treated.buyers + control.buyers) / (treated.n + control.n)
    error = sqrt(pooled * (1 - pooled) * (1 / treated.n + 1 / control.n))
    difference = p1 - p0
    return Effect(
        difference,
        difference - sqrt((p1 - l1) ** 2 + (u0 - p0) ** 2),
        difference + sqrt((u1 - p1) ** 2 + (p0 - l0) ** 2),
        float(2 * norm.sf(abs(difference) / error)) if error else 1.0,
    )


def ratio_of_shares(treated: Arm, control: Arm) -> tuple[float, float, float] | None:
    """Treated by control with its 95 % interval; None without a buyer in the control group."""
    if control.buyers == 0:
        return None
    p1, p0 = treated.buyers / treated.n, control.buyers / control.n
    (l1, u1), (l0, u0) = _limits(treated), _limits(control)
    below, above = u0 * (2 * p0 - u0), l0 * (2 * p0 - l0)
    product = p1 * p0
    if below <= 0 or above <= 0:
        return None
    low = (product - sqrt(max(0.0, product**2 - l1 * u0 * (2 * p1 - l1) * (2 * p0 - u0)))) / below
    high = (product + sqrt(max(0.0, product**2 - u1 * l0 * (2 * p1 - u1) * (2 * p0 - l0)))) / above
    return p1 / p0, max(0.0, low), high


def means(treated: Arm, control: Arm, theta: float = 0.0) -> Effect | None:
    """Difference of the means of y − θx by Welch; None where a group has fewer than two members or nothing varies."""
    if min(treated.n, control.n) < 2:
        return None
    one, other = treated.variance_of_mean(theta), control.variance_of_mean(theta)
    variance = one + other
    if variance <= 0:
        return None
    freedom = variance**2 / (one**2 / (treated.n - 1) + other**2 / (control.n - 1))
    difference = treated.mean(theta) - control.mean(theta)
    half = float(t.ppf(0.975, freedom)) * sqrt(variance)
    return Effect(
        difference, difference - half, difference + half, float(2 * t.sf(abs(difference) / sqrt(variance), freedom))
    )


def ratio_of_means(treated: Arm, control: Arm) -> tuple[float, float, float] | None:
    """Treated by control, 95 % interval by the delta method on the logarithm; None where a mean is not positive."""
    one, other = treated.mean(), control.mean()
    if min(treated.n, control.n) < 2 or one <= 0 or other <= 0:
        return None
    error = sqrt(treated.variance_of_mean() / one**2 + control.variance_of_mean() / other**2)
    middle = log(one / other)
    return exp(middle), exp(middle - Z * error), exp(middle + Z * error)


def cuped_theta(treated: Arm, control: Arm) -> float:
    """Slope of spend on spend before, within the groups; 0 where nobody spent before."""
    spread = treated.x_spread() + control.x_spread()
    return (treated.co_spread() + control.co_spread()) / spread if spread > 0 else 0.0


def variance_left(treated: Arm, control: Arm, theta: float) -> float | None:
    """Squared standard error with CUPED by the one without."""
    raw = treated.variance_of_mean() + control.variance_of_mean()
    adjusted = treated.variance_of_mean(theta) + control.variance_of_mean(theta)
    return adjusted / raw if raw > 0 else None


def sample_ratio_p(sizes: Sequence[int], shares: Sequence[float]) -> float:
    """Chance of groups at least so far from the shares that were meant, if members were drawn by lot (χ²)."""
    drawn = [(size, share * sum(sizes)) for size, share in zip(sizes, shares, strict=True) if share > 0]
    if sum(size for size, _ in drawn) < sum(sizes):
        return 0.0
    if len(drawn) < 2:
        return 1.0
    return float(chi2.sf(sum((size - meant) ** 2 / meant for size, meant in drawn), len(drawn) - 1))


def detectable_share(treated: Arm, control: Arm) -> float:
    """Difference of shares that would be found in four of five cases; solved by bisection."""
    p0 = control.buyers / control.n

    def lacks(d: float) -> float:
        p1 = p0 + d
        return d - _POWER * sqrt(max(0.0, p1 * (1 - p1)) / treated.n + p0 * (1 - p0) / control.n)

    low, high = 0.0, 1 - p0
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (low, middle) if lacks(middle) > 0 else (middle, high)
    return high


def detectable_mean(treated: Arm, control: Arm) -> float:
    """Difference of means that would be found in four of five cases."""
    return _POWER * sqrt(control.spread() / (control.n - 1) * (1 / treated.n + 1 / control.n))


def holm(ps: list[float]) -> list[float]:
    """p-values for all of them at once: the chance that any is as small by accident."""
    adjusted, highest = [0.0] * len(ps), 0.0
    for rank, place in enumerate(sorted(range(len(ps)), key=ps.__getitem__)):
        highest = max(highest, min(1.0, ps[place] * (len(ps) - rank)))
        adjusted[place] = highest
    return adjusted
