"""Markov chains of customers between stages: a matrix from counts, what a strategy would change in it, months ahead.

Rows of a matrix are the stage a month begins in, columns the one it ends in; a row sums to 1. Anderson & Goodman (1957)
for the estimate; the uncertainty of a row is the Dirichlet distribution of its counts.
"""

from __future__ import annotations

import numpy as np

from pipeline.models.histories import Array


def transition_matrix(counts: Array) -> Array:
    """Shares of each row of (…, k, k) counts. A stage nobody was seen to leave or to stay in keeps its customers."""
    counts = np.asarray(counts, dtype=np.float64)
    n = counts.sum(axis=-1, keepdims=True)
    with np.errstate(invalid="ignore"):
        return np.where(n > 0, counts / np.where(n > 0, n, 1.0), np.eye(counts.shape[-1]))


def drawn_matrices(counts: Array, draws: int, seed: int) -> Array:
    """(draws, k, k): matrices as they could have been, each row from the Dirichlet distribution of its counts.

    A move that was never seen stays impossible.
    """
    rng = np.random.default_rng(seed)
    return transition_matrix(rng.standard_gamma(np.asarray(counts, dtype=np.float64), (draws, *np.shape(counts))))


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
