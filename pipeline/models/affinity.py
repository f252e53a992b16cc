"""Affinity: whether two items go together more often than chance makes them, and by how much.

What is counted is compared with the number expected of chance: of baskets of these sizes that items fall into in
proportion to how often they are bought at all (a raw lift above 1 says nothing: big baskets give it to nearly every
pair). Counts are Poisson; the ratio is shrunk towards 1, so that pairs that are rarely seen do not lead.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.stats import binom, norm, poisson

from pipeline.models.histories import Array

PRIOR = 10.0
"""So many pairs, as many as expected, are added to what was seen: the gamma prior of the ratio."""
Z = 1.645
"""Bounds leave out 5 % on either side."""

LEAST_VARIANCE = 1e-9
"""What sums of products leave behind where every difference is 0."""


class Ratio(NamedTuple):
    """Observed over expected, shrunk towards 1, with the ends of its 90 % interval."""

    value: Array
    low: Array
    high: Array


def expected_together(one: Array, other: Array, size_sum: float, size_pairs: float) -> Array:
    """Baskets that hold both of two items by chance, of items that are in so many baskets.

    size_sum: S1, the sizes of all baskets added up; size_pairs: S2, Σ s(s − 1).
    """
    return np.asarray(one * other * (size_pairs / size_sum**2))


def shrunk_ratio(observed: Array, expected: Array) -> Ratio:
    """(observed + 10) / (expected + 10); bounds by Wilson and Hilferty's cube root of the gamma distribution."""
    count = observed + PRIOR
    ends = (count * (1 - 1 / (9 * count) + z / (3 * np.sqrt(count))) ** 3 for z in (-Z, Z))
    low, high = (np.asarray(end / (expected + PRIOR)) for end in ends)
    return Ratio(np.asarray(count / (expected + PRIOR)), low, high)


def more_than_expected(observed: Array, expected: Array) -> Array:
    """Probability of so many or more by chance: P(Poisson(expected) ≥ observed)."""
    return np.asarray(poisson.sf(observed - 1, expected))


def other_than_expected(successes: Array, trials: Array, share: Array) -> Array:
    """Two-sided probability of a binomial count: twice the smaller tail, at most 1."""
    below, above = binom.cdf(successes, trials, share), binom.sf(successes - 1, trials, share)
    return np.asarray(np.minimum(1.0, 2 * np.minimum(below, above)))


def expected_first(one: Array, other: Array) -> Array:
    """Share of the customers of two items who begin with the one, if the months of both were independent.

    one, other: a row for each pair, first purchases of the item by month. Of customers who begin with both in different
    months; a half where the calendars leave none.
    """
    later = [calendar.sum(axis=1, keepdims=True) - calendar.cumsum(axis=1) for calendar in (one, other)]
    before, after = (one * later[1]).sum(axis=1, dtype=float), (other * later[0]).sum(axis=1, dtype=float)
    both = before + after
    return np.asarray(np.where(both > 0, before / np.maximum(both, 1), 0.5))


def standard_score(observed: Array, expected: Array, variance: Array) -> Array:
    """Difference from what is expected in standard errors; not a number where nothing can differ."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(variance > LEAST_VARIANCE, (observed - expected) / np.sqrt(variance), np.nan)


def two_sided(z: Array) -> Array:
    """Probability of so large a standard score of either sign by chance; 1 where there is none."""
    return np.asarray(np.where(np.isnan(z), 1.0, 2 * norm.sf(np.abs(z))))


def false_discovery_rates(p: Array, tests: int | None = None) -> Array:
    """q-values of Benjamini and Hochberg: the share of false discoveries if all up to this one are called one.

    tests: how many could have been made, with those left out because they are far from significant, whose p counts
    as 1; else as many as there are.
    """
    if not len(p):
        return p
    order = np.argsort(p, kind="stable")
    stepped = p[order] * (len(p) if tests is None else tests) / np.arange(1, len(p) + 1)
    q = np.empty_like(p)
    q[order] = np.minimum(1.0, np.minimum.accumulate(stepped[::-1])[::-1])
    return q
