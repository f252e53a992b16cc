"""The published curve of a customer: the chance to have bought by each day, through every probability published.

Probabilities of different horizons may come from different models, each the best for its own. What is told of one
customer must agree all the same: a longer horizon is never less likely, and the day by which half have bought lies
where the published chances put it. So the curve is that of the timing model, its log-odds shifted by as much as each
published point is away from it, straight in the logarithm of time between points and the same beyond them.

Curves are arrays (n, k): rows are customers, columns are chances by `days` (k,), rising from left to right.
"""

from __future__ import annotations

import numpy as np
from scipy.special import expit, logit

from pipeline.models.histories import Array

YEAR = 365
_DAYS = (1, 1.5, 2.2, 3.3, 5, 7, 10, 14, 21, 30, 42, 60, 90, 125, 180, 215, 255, 305, YEAR)
_HORIZONS = (30, 90, 180, YEAR)
_IMPOSSIBLE, _CERTAIN = 1e-300, 1 - 1e-15  # a probability is held this far from 0 and 1 in logarithms


def days_with(horizon: int, whole: bool = True) -> Array:
    """Days at which a curve is known: every published horizon, a churn horizon among them; `whole`: and others between,
    near enough to each other to read off days."""
    return np.array(sorted({*(_DAYS if whole else _HORIZONS), horizon}), dtype=np.float64)


def coherent(points: Array) -> Array:
    """Probabilities (n, m) of m horizons, the shortest first, made to rise: where they contradict each other, the
    shorter horizon holds, about which more has been seen, and the longer is raised to it."""
    return np.asarray(np.maximum.accumulate(points, axis=1))


def through(timing: Array, days: Array, points: Array, at: Array) -> Array:
    """The published curve (n, k): `timing` (n, k) by `days` (k,), led through `points` (n, m), which rise, `at` (m,)
    days; these are among `days`."""
    place = np.searchsorted(days, at)
    odds = logit(np.clip(timing, _IMPOSSIBLE, _CERTAIN))
    shift = logit(np.clip(points, _IMPOSSIBLE, _CERTAIN)) - odds[:, place]
    curve = expit(odds + shift @ _weights(days, at))
    # Between two points the curve of the model may be steeper than they are: it stays between them.
    low = np.searchsorted(at, days, side="right") - 1
    high = np.searchsorted(at, days, side="left")
    bounded = np.column_stack([np.zeros(len(points)), points, np.ones(len(points))])
    return np.asarray(np.maximum.accumulate(np.clip(curve, bounded[:, low + 1], bounded[:, high + 1]), axis=1))


def _weights(days: Array, at: Array) -> Array:
    """(m, k): how much of the shift of each point each day has."""
    return np.array([np.interp(np.log(days), np.log(at), unit) for unit in np.eye(len(at))])


def day_reached(curve: Array, days: Array, share: float) -> Array:
    """Days by which `share` of those who buy within 365 have bought; (n,).

    Between two known days the logarithm of −ln(1 − p) is a monotone cubic in the logarithm of time (Fritsch and
    Carlson, SIAM J. Numer. Anal. 17, 1980), which is right to about half a percent; before the first it is straight.
    """
    wanted = share * curve[:, np.searchsorted(days, YEAR)]
    after = np.minimum((curve < wanted[:, None]).sum(axis=1), len(days) - 1)
    before = np.maximum(after - 1, 0)
    times, rows = np.log(days), np.arange(len(curve))
    hazard = _log_hazard(wanted)
    around = np.clip(np.stack([before - 1, before, after, after + 1]), 0, len(days) - 1)
    time, level = times[around], _log_hazard(curve[rows, around])
    part = _part_of_cell(time, level, hazard)
    at_start = times[0] + np.minimum(hazard - level[2], 0.0)
    return np.asarray(np.exp(np.where(after == 0, at_start, time[1] + part * (time[2] - time[1]))))


def _part_of_cell(time: Array, level: Array, wanted: Array) -> Array:
    """Where in [0, 1] from the second to the third of four points the monotone cubic is as high as `wanted`; (n,)."""
    step = np.diff(time, axis=0)
    slope = np.divide(np.diff(level, axis=0), step, out=np.zeros_like(step), where=step > 0)
    starts = _slope_between(step[0], step[1], slope[0], slope[1]) * step[1]
    ends = _slope_between(step[1], step[2], slope[1], slope[2]) * step[1]
    rise = level[2] - level[1]
    low, high = np.zeros_like(wanted), np.ones_like(wanted)
    for _ in range(24):  # halves: to a ten-millionth of the cell
        middle = (low + high) / 2
        left = 1 - middle
        found = level[1] + middle * (middle * (3 - 2 * middle) * rise + left * (left * starts - middle * ends))
        low, high = np.where(found < wanted, middle, low), np.where(found < wanted, high, middle)
    return np.asarray(high)


def _slope_between(first: Array, second: Array, before: Array, after: Array) -> Array:
    """The slope between two steps of these lengths and slopes: their weighted harmonic mean, or that which is there."""
    rising = (before > 0) & (after > 0)
    weights = 2 * second + first, second + 2 * first
    mean = np.divide(
        sum(weights),
        weights[0] / np.where(rising, before, 1) + weights[1] / np.where(rising, after, 1),
        out=np.zeros_like(before),
        where=rising,
    )
    return np.where(first == 0, after, np.where(second == 0, before, mean))


def _log_hazard(probability: Array) -> Array:
    """ln(−ln(1 − p)): of purchases at a constant rate, the logarithm of time and a constant."""
    return np.asarray(np.log(-np.log1p(-np.clip(probability, _IMPOSSIBLE, _CERTAIN))))
