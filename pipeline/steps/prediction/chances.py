"""Chances: what the timing models say of groups of equal histories, and what is published of their customers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

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
    """Of n groups: the chance of a purchase at each horizon that is published, by its best timing model (`points`,
    (n, m)), and by the days the one of the model of the longest horizon (`curve`, (n, k) by `days`)."""

    points: Array
    curve: Array
    days: Array
    horizons: Array
    """(m,) days of the points, rising: three, or two where the churn horizon is one of the others."""
    places: tuple[int, ...]
    """Which of the points is that of each of PROBABILITIES."""
    tells_days: bool
    """Whether the days are many enough to read off when the next purchase is due."""

    @classmethod
    def of(cls, night: Night, h: Histories, tells_days: bool) -> Chances:
        days = curve.days_with(night.horizons["churn"], tells_days)
        models = [night.best_timing(target) for target in night.by_horizon.values()]
        horizons = np.array(list(night.by_horizon), dtype=np.float64)
        places = tuple(list(night.by_horizon).index(night.horizons[target]) for target in PROBABILITIES)

        def chances(model: int, until: float) -> Array:
            return models[model].probability_of_purchase(night.clock.week(until / 7), h.x, h.t_x, h.T)

        points = np.column_stack([chances(place, until) for place, until in enumerate(horizons)])
        curves = np.column_stack([chances(-1, until) for until in days])
        return cls(points, curves, days, horizons, places, tells_days)

    @classmethod
    def concat(cls, parts: Sequence[Chances]) -> Chances:
        one = parts[0]
        points, curves = (np.vstack(arrays) for arrays in ([p.points for p in parts], [p.curve for p in parts]))
        return replace(one, points=points, curve=curves)

    def at(self, place: Array) -> Chances:
        """Of customers, each by the place of their group."""
        return replace(self, points=self.points[place], curve=self.curve[place])

    def published(self, points: Array) -> dict[str, Array]:
        """Columns of what is published where the champions say `points` (n, m): the timing models, or others."""
        points = curve.coherent(points)
        chances = curve.through(self.curve, self.days, points, self.horizons)
        found = {name: points[:, place] for name, place in zip(POINTS, self.places, strict=True)}
        found |= {f"p_purchase_{days}d": chances[:, np.searchsorted(self.days, days)] for days in _READ_OFF}
        if self.tells_days:
            found |= {name: curve.day_reached(chances, self.days, share) for name, share in SHARES.items()}
        return found
