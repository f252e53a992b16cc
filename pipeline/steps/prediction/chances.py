"""Chances: what the timing models say of groups of equal histories, and what is published of their customers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.models import curve
from pipeline.models.histories import Array, Histories
from pipeline.steps.prediction.holdouts import PROBABILITIES
from pipeline.steps.prediction.nightly import Night

POINTS = ("p_purchase_30d", "p_purchase_90d", "p_purchase_churn")
"""Columns of PROBABILITIES."""
SHARES = {"next_purchase_early_days": 0.1, "next_purchase_median_days": 0.5, "next_purchase_late_days": 0.9}
"""Columns of days, and the share of those who buy within a year who have bought by then."""
_READ_OFF = (180, 365)


@dataclass(frozen=True)
class Chances:
    """Of n groups: the chance of a purchase at the horizons of PROBABILITIES, each by its best timing model (`points`,
    (n, 3)), and by the days the one of the model of churn (`curve`, (n, k) by `days`)."""

    points: Array
    curve: Array
    days: Array
    horizons: Array
    """(3,) days of the points."""
    tells_days: bool
    """Whether the days are many enough to read off when the next purchase is due."""

    @classmethod
    def of(cls, night: Night, h: Histories, tells_days: bool) -> Chances:
        days = curve.days_with(night.horizons["churn"], tells_days)
        models = [night.best_timing(target) for target in PROBABILITIES]
        horizons = np.array([night.horizons[target] for target in PROBABILITIES], dtype=np.float64)

        def chances(model: int, until: float) -> Array:
            return models[model].probability_of_purchase(night.clock.week(until / 7), h.x, h.t_x, h.T)

        points = np.column_stack([chances(place, until) for place, until in enumerate(horizons)])
        return cls(points, np.column_stack([chances(-1, until) for until in days]), days, horizons, tells_days)

    @classmethod
    def concat(cls, parts: Sequence[Chances]) -> Chances:
        one = parts[0]
        points, curves = (np.vstack(arrays) for arrays in ([p.points for p in parts], [p.curve for p in parts]))
        return cls(points, curves, one.days, one.horizons, one.tells_days)

    def at(self, place: Array) -> Chances:
        """Of customers, each by the place of their group."""
        return Chances(self.points[place], self.curve[place], self.days, self.horizons, self.tells_days)

    def published(self, points: Array) -> dict[str, Array]:
        """Columns of what is published where the champions say `points` (n, 3): the timing models, or others."""
        points = curve.coherent(points)
        chances = curve.through(self.curve, self.days, points, self.horizons)
        found = dict(zip(POINTS, points.T, strict=True))
        found |= {f"p_purchase_{days}d": chances[:, np.searchsorted(self.days, days)] for days in _READ_OFF}
        if self.tells_days:
            found |= {name: curve.day_reached(chances, self.days, share) for name, share in SHARES.items()}
        return found
