"""Purchase histories as the models see them: groups of customers with equal (x, t_x, T)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


_BIN, _WIDEST = 0.1, 10.0
_OWN_BINS, _STEP = 10, 0.1  # purchases up to which each number is a bin; the width of the others, in its logarithm


class ByFrequency:
    """Groups with a frequency x: what depends on x alone is computed once for each different x."""

    x: Array

    def by_x(self, function: Callable[[Array], Array]) -> Array:
        """`function` of x (n,): gamma functions cost most of a likelihood."""
        levels, place = self._levels
        return np.asarray(function(levels)[place])

    @cached_property
    def _levels(self) -> tuple[Array, NDArray[np.intp]]:
        return np.unique(self.x, return_inverse=True)


@dataclass(frozen=True)
class Histories(ByFrequency):
    """n groups of equal customers.

    x: repeat purchase occasions; t_x: weeks from the first to the last occasion; T: weeks from the first occasion to
    the end of observation; customers: how many share the three. All of shape (n,).
    """

    x: Array
    t_x: Array
    T: Array
    customers: Array

    @classmethod
    def of(cls, x: object, t_x: object, T: object, customers: object = 1.0) -> Self:
        """Checked and broadcast. Raises ValueError for histories that cannot be: negative, t_x > T, or x = 0 < t_x."""
        arrays = np.broadcast_arrays(*(np.asarray(value, dtype=np.float64) for value in (x, t_x, T, customers)))
        xs, spans, ages, weights = (np.ascontiguousarray(array).ravel() for array in arrays)
        if not all(np.isfinite(array).all() for array in (xs, spans, ages, weights)):
            raise ValueError("histories must be finite numbers")
        if (xs < 0).any() or (spans < 0).any() or (spans > ages).any() or (weights <= 0).any():
            raise ValueError("histories need x >= 0, 0 <= t_x <= T and customers > 0")
        if ((xs == 0) & (spans > 0)).any():
            raise ValueError("a customer without a repeat purchase has t_x = 0")
        return cls(xs, spans, ages, weights)

    @property
    def total(self) -> float:
        """Number of customers."""
        return float(self.customers.sum())

    def in_units_of(self, weeks: float) -> Histories:
        """The same histories with time counted in units of so many weeks."""
        return Histories(self.x, self.t_x / weeks, self.T / weeks, self.customers)

    def binned(self, groups: int) -> Histories:
        """About so many groups, or fewer: nearly equal histories as one, each bin at its customers' mean t_x and T.

        All customers are in them, so that their likelihood is nearly that of all, also along a ridge. Bins are even in
        the logarithm of time, counted from a twentieth of the mean age, and narrower where many purchases know a rate
        better; of those with many purchases there are few, and they share bins, at their mean x, too. Bins do not
        depend on the order of the groups.
        """
        scale = float(np.average(self.T, weights=self.customers)) / 20 or 1.0
        width = _BIN
        while True:
            found = self._in_bins(scale, width / np.sqrt(1 + self.x))
            if len(found.x) <= groups or width > _WIDEST:
                return found
            width *= 2

    def _in_bins(self, scale: float, width: Array) -> Histories:
        many = np.ceil(np.log(np.maximum(self.x, _OWN_BINS) / _OWN_BINS) / _STEP)
        purchases = np.minimum(self.x, _OWN_BINS) + many
        spans, ages = (np.floor(np.log1p(time / scale) / width) for time in (self.t_x, self.T))
        order = np.lexsort((self.T, self.t_x, self.x, ages, spans, purchases))
        keys = [key[order] for key in (purchases, spans, ages)]
        first = np.flatnonzero(np.append(True, np.any([np.diff(key) != 0 for key in keys], axis=0))[: len(order)])
        customers = np.add.reduceat(self.customers[order], first)
        x, t_x, T = (
            np.add.reduceat((self.customers * one)[order], first) / customers for one in (self.x, self.t_x, self.T)
        )
        return Histories(x, np.minimum(t_x, T), T, customers)

    def blocks(self, groups: int) -> list[Histories]:
        """The same groups, so many at a time: arrays that fit into the processor's cache."""
        parts = (slice(first, first + groups) for first in range(0, len(self.x), groups))
        return [Histories(self.x[part], self.t_x[part], self.T[part], self.customers[part]) for part in parts]


def distinct_pairs(x: Array, T: Array) -> tuple[tuple[Array, Array], NDArray[np.intp]]:
    """The different (x, T), and which of them each group has. Of who is alive, t_x tells nothing more.

    There are far fewer of them than groups, and what is asked of a model costs more than finding them.
    """
    order = np.lexsort((T, x))
    is_new = np.append(True, (np.diff(x[order]) != 0) | (np.diff(T[order]) != 0))[: len(x)]
    place = np.empty(len(x), dtype=np.intp)
    place[order] = np.cumsum(is_new) - 1
    return (x[order][is_new], T[order][is_new]), place
