"""Markov chains of customers between stages: a matrix from counts, what a strategy would change in it, months ahead.

Rows of a matrix are the stage a month begins in, columns the one it ends in; a row sums to 1: Anderson & Goodman
(1957). How sure it all is, is told by how far the months that were seen are from what they have in common: what a
customer does by chance is the least of it, so that the number of moves alone would promise far too much.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import t as student_t

from pipeline.models.histories import Array


def transition_matrix(counts: Array) -> Array:
    """Shares of each row of (…, k, k) counts. A stage nobody was seen to leave or to stay in keeps its customers."""
    counts = np.asarray(counts, dtype=np.float64)
    n = counts.sum(axis=-1, keepdims=True)
    with np.errstate(invalid="ignore"):
        return np.where(n > 0, counts / np.where(n > 0, n, 1.0), np.eye(counts.shape[-1]))


def with_points(matrix: Array, origin: int, target: int, points: float) -> Array:
    """The (…, k, k) matrix with `points` percentage points more of `origin` moving to `target`.

    The other shares of the row give way in proportion. The share of the move stays inside [0, 1]; where there is no
    other share to take from or to give to, those who stay put give or take.
    """
    changed = np.array(matrix, dtype=np.float64)
    row = changed[..., origin, :]
    before = row[..., target].copy()
    after = np.clip(before + points / 100, 0.0, 1.0)
    rest = 1 - before
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = np.where(rest > 0, (1 - after) / np.where(rest > 0, rest, 1.0), 0.0)
    row *= scale[..., None]
    row[..., target] = after
    row[..., origin] += np.where(rest > 0, 0.0, 1 - after)
    return changed


def roll_forward(start: Array, matrix: Array, newcomers: Array, months: int) -> Array:
    """Expected customers by month 0 … months and stage, (months + 1, …, k) for a (…, k, k) matrix.

    `newcomers` (k,) are in these stages at the end of the month in which they come.
    """
    now = np.broadcast_to(np.asarray(start, dtype=np.float64), matrix.shape[:-1])
    found = [now]
    for _ in range(months):
        now = np.matmul(now[..., None, :], matrix)[..., 0, :] + newcomers
        found.append(now)
    return np.stack(found)


@dataclass(frozen=True)
class Months:
    """What was seen in m months, the latest first; k stages.

    counts (m, k, k): customers by the stage they begin and end the month in. newcomers (m, k): by the stage they end
    it in. revenue (m, k): by the stage in which the month begins; newcomer_revenue (m, k): as newcomers.
    """

    counts: Array
    newcomers: Array
    revenue: Array
    newcomer_revenue: Array

    def part(self, first: int, number: int) -> Months:
        return Months(*(values[first : first + number] for values in vars(self).values()))

    @property
    def begun(self) -> Array:
        """(m, k) customers when each month begins."""
        return np.asarray(self.counts.sum(axis=2))

    @property
    def total_revenue(self) -> Array:
        return np.asarray(self.revenue.sum(axis=1) + self.newcomer_revenue.sum(axis=1))


@dataclass(frozen=True)
class Course:
    """What months have in common, and how far each was from it.

    matrix (k, k); newcomers (k,) a month; revenue (k,) a month per customer of the stage it begins in;
    newcomer_revenue (k,) per newcomer. errors (k + 1, k + 1): covariance of the errors of one month ahead, of the
    customers of each stage by all customers, and of revenue by what was expected. drift (k + 1,): by how much these
    errors grow from month to month, as far as that is more than chance. months: how many the course is known from.
    """

    matrix: Array
    newcomers: Array
    revenue: Array
    newcomer_revenue: Array
    errors: Array
    drift: Array
    months: int

    @classmethod
    def of(cls, seen: Months, of_all: Months | None = None) -> Course:
        """Of a year, each season has its part, so that what they have in common is of none. `of_all`: these months and
        those before them, which tell a drift from a season."""
        matrix, newcomers = transition_matrix(seen.counts.sum(axis=0)), seen.newcomers.mean(axis=0)
        revenue = per(seen.revenue.sum(axis=0), seen.begun.sum(axis=0))
        newcomer_revenue = per(seen.newcomer_revenue.sum(axis=0), seen.newcomers.sum(axis=0))
        all_months, months = of_all or seen, len(seen.begun)
        ended = all_months.counts.sum(axis=1) + all_months.newcomers
        customers = per(ended - all_months.begun @ matrix - newcomers, ended.sum(axis=1, keepdims=True))
        expected = all_months.begun @ revenue + newcomers @ newcomer_revenue
        away = np.column_stack([customers, per(all_months.total_revenue - expected, expected)])
        errors = away[:months].T @ away[:months] / max(1, months - 1)
        # Growth compounds: the difference by the mean of both is the same up and down, as that of logarithms is.
        grown = 2 * per(all_months.total_revenue - expected, all_months.total_revenue + expected)
        return cls(
            matrix, newcomers, revenue, newcomer_revenue, errors, drift(np.column_stack([customers, grown])), months
        )

    def without_newcomers(self) -> Course:
        return replace(self, newcomers=np.zeros_like(self.newcomers))


@dataclass(frozen=True)
class Path:
    """Months 1 … n ahead, and half the widths of their intervals.

    customers, customers_error: (n + 1, k), from month 0 on. revenue: (n, k) by the stage in which the month begins, and
    of newcomers by that in which it ends. month_error, total_error: (n,) of the revenue of a month, and of all up to
    its end.
    """

    customers: Array
    customers_error: Array
    revenue: Array
    month_error: Array
    total_error: Array

    @property
    def total(self) -> Array:
        """(n,) revenue of each month."""
        return np.asarray(self.revenue.sum(axis=1))


def ahead(
    course: Course, start: Array, season: Array, share: float, matrices: Sequence[Array]
) -> tuple[list[Path], list[Array]]:
    """The path of each of the matrices, and half the width of the interval of what it adds to the revenue of the first
    up to the end of each month, (n,).

    `start` (k,): customers now. `season` (n,): how many usual months each month's revenue is worth. `share`: what an
    interval is to hold. Errors roll forward with the customers, whom the next month begins with. Those of single months
    are taken for independent; that of what they have in common, known from so many months only, is the same in all. All
    is linear, so that nothing need be drawn. A shop that drifts is away from the mean of its months, half of them ago,
    by a month's drift more each month: so much wider is the interval, on both sides, as nobody knows whether that goes
    on.
    """
    k, z = len(start), float(student_t.ppf(0.5 + share / 2, max(1, course.months - 1)))
    paths, systems = [], []
    for matrix in matrices:
        customers = roll_forward(start, matrix, course.newcomers, len(season))
        revenue = season[:, None] * (customers[:-1] * course.revenue + course.newcomers * course.newcomer_revenue)
        steps, errors = _system(course, season, matrix, customers, revenue)
        widths = _widths(course, steps, errors, np.eye(k + 2), z)
        stages = np.vstack([np.zeros(k), widths[:, :k]])
        paths.append(Path(customers, stages, revenue, widths[:, k + 1], widths[:, k]))
        systems.append((steps, errors))
    gains = []
    for steps, errors in systems:
        both = [_beside(*pair) for pair in zip(systems[0][0], steps, strict=True)]
        pushed = [np.hstack(pair) for pair in zip(systems[0][1], errors, strict=True)]
        difference = np.zeros((2 * (k + 2), 1))
        difference[[k, 2 * k + 2], 0] = -1, 1
        gains.append(_widths(course, both, pushed, difference, z)[:, 0])
    return paths, gains


def _system(
    course: Course, season: Array, matrix: Array, customers: Array, revenue: Array
) -> tuple[list[Array], list[Array]]:
    """For each month how errors of (customers by stage, revenue so far, revenue of the month) go on, (k + 2, k + 2),
    and what one unit of each error of one month adds to them, (k + 1, k + 2)."""
    k, steps, errors = len(matrix), [], []
    for usual, ended, amount in zip(season, customers[1:].sum(axis=1), revenue.sum(axis=1), strict=True):
        step, error = np.zeros((k + 2, k + 2)), np.zeros((k + 1, k + 2))
        step[:k, :k], step[k, k] = matrix, 1
        step[:k, k] = step[:k, k + 1] = usual * course.revenue
        error[:k, :k], error[k, k:] = ended * np.eye(k), amount
        steps.append(step)
        errors.append(error)
    return steps, errors


def _widths(course: Course, steps: Sequence[Array], errors: Sequence[Array], ask: Array, z: float) -> Array:
    """Half the widths of the intervals of `ask` (d, a) combinations of a state (d,) after each step; (n, a)."""
    single = np.zeros((len(ask), len(ask)))
    common, drifted = np.zeros((len(course.errors), len(ask))), np.zeros(len(ask))
    found = []
    for month, (step, error) in enumerate(zip(steps, errors, strict=True)):
        single = step.T @ single @ step + error.T @ course.errors @ error
        common = common @ step + error
        drifted = drifted @ step + np.expm1((course.months / 2 + month + 0.5) * course.drift) @ error
        covariance = single + common.T @ course.errors @ common / course.months
        variance = np.einsum("da,de,ea->a", ask, covariance, ask)
        found.append(np.abs(drifted @ ask) + z * np.sqrt(np.maximum(variance, 0.0)))
    return np.array(found)


def drift(away: Array) -> Array:
    """By how much errors grow a month, of (n, …) of n months, the latest first: least squares, each less what
    chance alone makes."""
    n = len(away)
    if n <= 2:
        return np.zeros(away.shape[1:])
    time = (n - 1) / 2 - np.arange(n)
    slope = time @ away / (time @ time)
    left = away - away.mean(axis=0) - np.outer(time, slope)
    by_chance = per((left**2).sum(axis=0) / (n - 2) / (time @ time), slope**2)
    return np.asarray(slope * np.sqrt(np.maximum(0.0, 1 - by_chance)))


def _beside(one: Array, other: Array) -> Array:
    """Both blocks on the diagonal."""
    d = len(one)
    both = np.zeros((2 * d, 2 * d))
    both[:d, :d], both[d:, d:] = one, other
    return both


def per(amount: Array, n: Array) -> Array:
    """amount / n, 0 where there is no n."""
    n = np.broadcast_to(n, amount.shape)
    return np.asarray(np.divide(amount, n, out=np.zeros_like(amount, dtype=np.float64), where=n > 0))
