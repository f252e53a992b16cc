"""Attribution by a chain of visits: how many orders would be lost without a channel (Anderl et al. 2016, order 1).

The chain begins in one of k channels, moves between them, and ends with an order or without. It is solved, not
simulated: the chance of an order is s (I − Q)⁻¹ r. What it says is how paths with a channel differ from those without
it, not what the channel causes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.models.histories import Array


@dataclass(frozen=True)
class Chain:
    """Counts of steps between k channels: starts (k,) of paths, moves (k, k) from one to the next visit, orders (k,)
    and losses (k,), ends with and without an order. Every channel begins a path or is moved to, so that it is left."""

    starts: Array
    moves: Array
    orders: Array
    losses: Array

    def chance_of_order(self, without: int | None = None) -> float:
        """Chance that a path ends with an order; `without` a channel, every visit by which ends its path without."""
        left = self.moves.sum(axis=1) + self.orders + self.losses
        start, step = self.starts / self.starts.sum(), self.moves / left[:, None]
        if without is not None:
            start, step = start.copy(), step.copy()
            start[without] = step[:, without] = 0.0
        chances = np.linalg.solve(np.eye(len(start)) - step, self.orders / left)
        return float(start @ chances)

    def removals(self) -> Array:
        """(k,) share of the orders that is lost without each channel; 0 where there are no orders."""
        chance = self.chance_of_order()
        if chance <= 0:
            return np.zeros(len(self.starts))
        lost = [1 - self.chance_of_order(channel) / chance for channel in range(len(self.starts))]
        return np.clip(lost, 0.0, 1.0)
