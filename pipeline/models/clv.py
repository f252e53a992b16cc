"""Customer lifetime value: purchases still to come, discounted, times what the customer spends on one.

Predicted CLV = expected spend · Σ_k (E[X(t_k)] − E[X(t_{k−1})]) · (1 + d)^−((k − ½)/12), t_k = k · 365/12 days. The
caller multiplies by 1 − refund share of the last 12 months and, after that, by the margin where one is set: both belong
to the customer's money, not to the models.

Everything here is per group of equal (x, t_x, T). The mean spend m of a customer enters in one way only, as the total
v + x·m, so that each figure of money is given as a factor of it: CLV = (v + x·m) · factor. With x = 0 the total is v.
Where repeat purchases were worth nothing, m is unknown: put the mean spend of all, p·v/(q − 1), in its place.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, betaincinv
from scipy.stats import nbinom

from pipeline.models.clock import EVEN, Clock
from pipeline.models.fitting import Fit
from pipeline.models.gamma_gamma import GammaGamma, SpendFit
from pipeline.models.histories import Array, distinct_pairs
from pipeline.models.timing import TimingModel

PREDICTIVE = 0.8
_STEP = 1e-4  # of a log parameter, for central differences
_RARE = 1e-4  # chance of more purchases than are counted one by one
_GRID = 160
_BLOCK = 2048
_ROWS = 16  # of a table at a time, so that models which count a little further find it made


@dataclass(frozen=True)
class Horizon:
    """How far to look, and what a year of waiting costs."""

    months: int = 12
    yearly_discount: float = 0.10
    clock: Clock = EVEN

    @property
    def ends(self) -> Array:
        """End of each month, in usual weeks."""
        return self.clock.weeks(np.arange(1, self.months + 1) * 365 / 12 / 7)

    @property
    def weeks(self) -> float:
        return float(self.ends[-1])

    @property
    def discounts(self) -> Array:
        """Value today of one unit of money in the middle of each month."""
        return np.asarray((1 + self.yearly_discount) ** -((np.arange(self.months) + 0.5) / 12))


def discounted_purchases(model: TimingModel, horizon: Horizon, x: Array, t_x: Array, T: Array) -> Array:
    """Expected purchases in (T, T + horizon], each month's discounted from its middle; (n,)."""
    pairs, place = distinct_pairs(x, T)
    # Summed by parts, so that each expectation is needed once.
    weights = horizon.discounts - np.append(horizon.discounts[1:], 0.0)
    alive = sum(
        weight * model.expected_while_alive(end, *pairs) for weight, end in zip(weights, horizon.ends, strict=True)
    )
    return np.asarray(model.p_alive(x, t_x, T) * np.asarray(alive)[place])


def spend_factor(spend: GammaGamma, x: Array) -> Array:
    """p / (p·x + q − 1): expected spend per purchase is this times v + x·m; (n,)."""
    return np.asarray(spend.p / (spend.p * x + spend.q - 1))


def standard_error(model: TimingModel, covariance: Array, prediction: Callable[[TimingModel], Array]) -> Array:
    """Standard error (n,) of a prediction by the delta method, from the covariance of the log parameters (k, k)."""
    slopes = _slopes(model, prediction)
    return np.asarray(np.sqrt(np.maximum(np.einsum("ni,ij,nj->n", slopes, covariance, slopes), 0.0)))


def relative_variance(timing: Fit, spend: SpendFit, horizon: Horizon, x: Array, t_x: Array, T: Array) -> Array:
    """(n, 3): c with (standard error of CLV / CLV)² = c0 + c1·u + c2·u², u = v / (v + x·m), by the delta method.

    CLV is a product, and the two fits are independent: the squares of the relative errors add up. That of the timing
    comes from central differences over the log parameters. That of the spend p (v + x·m)/(p·x + q − 1) has the slopes
    (1 − p·x/D, −q/D, u) by (ln p, ln q, ln v), D = p·x + q − 1, hence u in the result. NaN without a covariance.
    """
    if timing.covariance is None or spend.covariance is None:
        return np.full((len(x), 3), np.nan)

    def purchases(model: TimingModel) -> Array:
        return discounted_purchases(model, horizon, x, t_x, T)

    expected = np.maximum(purchases(timing.model), np.finfo(np.float64).tiny)
    of_timing = (standard_error(timing.model, timing.covariance, purchases) / expected) ** 2
    p, q, C = spend.model.p, spend.model.q, spend.covariance
    D = p * x + q - 1
    by_p, by_q = 1 - p * x / D, -q / D
    constant = by_p**2 * C[0, 0] + 2 * by_p * by_q * C[0, 1] + by_q**2 * C[1, 1]
    linear = 2 * (by_p * C[0, 2] + by_q * C[1, 2])
    return np.column_stack([of_timing + constant, linear, np.full_like(D, C[2, 2])])


def value_interval(
    model: TimingModel,
    spend: GammaGamma,
    horizon: Horizon,
    x: Array,
    t_x: Array,
    T: Array,
    probability: float = PREDICTIVE,
) -> tuple[Array, Array]:
    """Factors (n,), (n,) of the interval that holds the spend in the horizon with this probability, discounted.

    Equal tails, unless spending nothing is itself as likely as a tail: then the interval starts at nothing and leaves
    all of the rest above it. (Equal tails around zero would hold 90 % and more of half of all customers.) Who buys
    nothing with more than this probability has the interval [0, 0]. The moments of the purchases are not followed: the
    interval is discounted as the mean is, by the ratio of discounted to undiscounted purchases.
    """
    tail = (1 - probability) / 2
    pairs, place = distinct_pairs(x, T)
    nothing = model.purchases_pmf(horizon.weeks, 0, x, t_x, T)[:, 0]
    from_zero = nothing >= tail
    shares = np.column_stack([np.where(from_zero, 0.0, tail), np.where(from_zero, probability, 1 - tail)])
    factors = _spend_quantiles(model, spend, horizon.weeks, pairs, place, model.p_alive(x, t_x, T), shares)
    expected = np.maximum(model.expected_purchases(horizon.weeks, x, t_x, T), np.finfo(np.float64).tiny)
    factors *= (discounted_purchases(model, horizon, x, t_x, T) / expected)[:, None]
    return factors[:, 0], factors[:, 1]


def _slopes(model: TimingModel, prediction: Callable[[TimingModel], Array]) -> Array:
    """Derivatives of a prediction by the log parameters (n, k), by central differences."""
    columns = [
        prediction(model.of(model.values * np.exp(_STEP * unit)))
        - prediction(model.of(model.values * np.exp(-_STEP * unit)))
        for unit in np.eye(len(model.values))
    ]
    return np.column_stack(columns) / (2 * _STEP)


def _spend_quantiles(
    model: TimingModel,
    spend: GammaGamma,
    weeks: float,
    pairs: tuple[Array, Array],
    place: NDArray[np.intp],
    alive: Array,
    shares: Array,
) -> Array:
    """Quantiles (n, k) of the spend within `weeks` as factors of v + x·m, for `shares` (n, k) of each group.

    P(S ≤ s) = 1 − P(alive) + P(alive) · Σ_n P(N = n | alive) · P(S ≤ s | n). Given n > 0 purchases, S = (v + x·m) · Y
    with Y ~ BetaPrime(p·n, q + p·x): a gamma(p·n) over the rate's posterior gamma(q + p·x). The last factor depends on
    x alone and is tabled once for all groups that share it.
    """
    quantiles = np.zeros_like(shares)
    by_pair = np.argsort(place, kind="stable")
    bounds = np.searchsorted(place[by_pair], np.arange(len(pairs[0]) + 1))
    most = _most_purchases(model, weeks, *pairs)
    wanted = 1 - (1 - shares) / np.maximum(alive, np.finfo(np.float64).tiny)[:, None]
    for level in np.unique(pairs[0]):
        of_level = np.flatnonzero(pairs[0] == level)
        of_level = of_level[np.argsort(most[of_level], kind="stable")]
        for first in range(0, len(of_level), _BLOCK):
            block = of_level[first : first + _BLOCK]
            counted = int(most[block[-1]])
            points, table = _spend_table(spend, float(level), -(-counted // _ROWS) * _ROWS)
            pmf = model.pmf_while_alive(weeks, counted, pairs[0][block], pairs[1][block])
            cdf = np.column_stack([pmf[:, :1], pmf[:, :1] + pmf[:, 1:] @ table[:counted]])
            row = np.repeat(np.arange(len(block)), bounds[block + 1] - bounds[block])
            groups = by_pair[np.arange(len(row)) - np.searchsorted(row, row) + bounds[block][row]]
            quantiles[groups] = _read_off(cdf, row, wanted[groups], np.append(0.0, points))
    return quantiles


def _read_off(curves: Array, row: NDArray[np.intp], wanted: Array, points: Array) -> Array:
    """Where the curves (b, m) over `points` (m,), each of them rising within [0, 1], reach `wanted` (n, k), one curve
    per row of it; (n, k), straight between points."""
    wanted = np.clip(wanted, curves[row, :1], curves[row, -1:])
    rising = (curves + 2 * np.arange(len(curves))[:, None]).ravel()  # one after another: all are searched at once
    place = np.searchsorted(rising, wanted + 2 * row[:, None], side="right") - 1 - row[:, None] * curves.shape[1]
    place = np.clip(place, 0, curves.shape[1] - 2)
    low, high = curves[row[:, None], place], curves[row[:, None], place + 1]
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(high > low, (wanted - low) / (high - low), 0.0)
    return np.asarray(points[place] + np.clip(share, 0.0, 1.0) * (points[place + 1] - points[place]))


def _most_purchases(model: TimingModel, weeks: float, x: Array, T: Array) -> NDArray[np.intp]:
    """A number of purchases that is hardly ever exceeded: of who cannot drop out, more are made than of who can."""
    A = model.parameters["alpha"] + T
    most = nbinom.isf(_RARE, model.parameters["r"] + x, A / (A + weeks))
    return np.asarray(np.maximum(most, 1), dtype=np.intp)


@lru_cache(maxsize=2048)
def _spend_table(spend: GammaGamma, x: float, most: int) -> tuple[Array, Array]:
    """Points s, evenly spaced in ln s, and P(Y ≤ s | n) = I(s/(1 + s); p·n, q + p·x) for n = 1..most (rows)."""
    shape = spend.q + spend.p * x
    low, high = betaincinv(spend.p, shape, 1e-3), betaincinv(spend.p * most, shape, 1 - 1e-4)
    points = np.geomspace(low / (1 - low), high / (1 - high), _GRID)
    counts = np.arange(1, most + 1)[:, None]
    return points, np.asarray(betainc(spend.p * counts, shape, points / (1 + points)))
