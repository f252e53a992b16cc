"""Season: what the same days did a year ago, and whether the days of now are usual ones."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal

import polars as pl

from pipeline.models.clock import HORIZONS, Clock, Factor, is_steady
from pipeline.models.timing import TimingModel
from pipeline.steps.prediction.inputs import histories_of

YEAR_DAYS, RECENT_DAYS = 365, 30

Status = Literal["ok", "season_unknown"]


@dataclass(frozen=True)
class Season:
    """The season from a day on.

    origin: the same day a year before. factors: by horizon, of `model`, which knew the data up to then. recent, year:
    purchases a day of the last 30 and the last 365 days (or what there is of them); recent_factor: purchases of the
    last 30 days by those that a model of the day before them expected; None where that was not tested.
    """

    origin: dt.date
    factors: dict[int, Factor]
    model: str | None
    recent: float
    year: float
    recent_factor: float | None

    @property
    def clock(self) -> Clock:
        return clock_of(self.factors)

    def status(self, days: int) -> Status:
        """Of a horizon of so many days."""
        horizon = next((h for h in HORIZONS if h >= days), HORIZONS[-1])
        is_told = self.factors[horizon].is_known or is_steady(self.recent, self.year)
        return "ok" if is_told else "season_unknown"

    @property
    def rows(self) -> list[dict[str, object]]:
        """Of the table season_clock."""
        return [
            {
                "horizon_days": horizon, "status": self.status(horizon), "factor": factor.value,
                "basis": factor.basis, "origin": self.origin, "model": self.model,
                "expected": factor.expected, "actual": factor.actual,
                "recent_ratio": self.recent / self.year, "recent_factor": self.recent_factor,
            }
            for horizon, factor in self.factors.items()
        ]  # fmt: skip


def unknown() -> dict[int, Factor]:
    return dict.fromkeys(HORIZONS, Factor(1.0, "too short a history"))


def clock_of(factors: dict[int, Factor]) -> Clock:
    return Clock(tuple(factor.value for factor in factors.values()))


def factors_of(model: TimingModel, groups: pl.DataFrame) -> dict[int, Factor]:
    """What the model expected of the groups of a year ago, and what they did; `groups`: of `inputs.year_ago`."""
    h = histories_of(groups)
    return {
        days: Factor.of(
            float(h.customers @ model.expected_purchases(days / 7, h.x, h.t_x, h.T)), int(groups[f"later_{days}"].sum())
        )
        for days in HORIZONS
    }


def purchases_a_day(calendar: pl.DataFrame, day: dt.date) -> tuple[float, float]:
    """Of the last 30 days and of the last 365, or of all there are; `calendar`: of `inputs.calendar`."""
    ago = (day - calendar["day"]).dt.total_days().to_numpy()
    purchases = (calendar["first"] + calendar["repeat"]).to_numpy()
    known = min(YEAR_DAYS, int(ago.max()) + 1)
    recent, year = (float(purchases[ago < days].sum()) / days for days in (min(RECENT_DAYS, known), known))
    return recent, year
