"""The clock of a shop: how many usual days the days to come are worth.

A timing model knows customers, not the calendar: to it thirty days before Christmas are thirty days. What the same
days did a year ago is known where the history is long enough: the purchases that came in them, against those that the
model, fitted to what was known before them, expected. By that factor the days to come are stretched, and wherever a
formula of a timing model takes a time, it takes the stretched one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from pipeline.models.histories import Array

HORIZONS = (30, 90, 180, 365)
LOWEST, HIGHEST = 1 / 3, 3.0
LEAST_DAYS, LEAST_PURCHASES = 180, 200
STEADY = (0.8, 1.25)
"""Purchases a day of the last 30 days by those of the last 365, where a shop without a known year is not in season."""
_PRIOR = 50.0  # purchases that came as expected, so that few purchases say little

Basis = Literal["a year ago", "held at the limit", "too few purchases", "too short a history"]


@dataclass(frozen=True)
class Clock:
    """`factors`: how many usual days a day of each of HORIZONS is worth on average."""

    factors: tuple[float, ...] = (1.0,) * len(HORIZONS)

    def weeks(self, weeks: Array | float) -> Array:
        """Usual weeks that so many weeks from now are worth: straight between the horizons, never falling, and beyond
        the last at its rate."""
        ends = np.array([0, *HORIZONS]) / 7
        usual = np.maximum.accumulate(ends * [1.0, *self.factors])
        t = np.asarray(weeks, dtype=np.float64)
        return np.asarray(np.where(t > ends[-1], t * (usual[-1] / ends[-1]), np.interp(t, ends, usual)))

    def week(self, weeks: float) -> float:
        """The same of one."""
        return float(self.weeks(weeks))


EVEN = Clock()
"""The clock of a shop whose year is not known: a day is a day."""


@dataclass(frozen=True)
class Factor:
    """How many usual days the days of a horizon are worth, and on what evidence.

    `expected` and `actual` purchases of the same days a year ago; None where nothing was asked.
    """

    value: float
    basis: Basis
    expected: float | None = None
    actual: int | None = None

    @property
    def is_known(self) -> bool:
        return self.basis in ("a year ago", "held at the limit")

    @classmethod
    def of(cls, expected: float, actual: int) -> Factor:
        """From the purchases of a year ago."""
        if actual < LEAST_PURCHASES:
            return cls(1.0, "too few purchases", expected, actual)
        seen = ratio(expected, actual)
        held = min(max(seen, LOWEST), HIGHEST)
        return cls(held, "a year ago" if held == seen else "held at the limit", expected, actual)


def ratio(expected: float, actual: float) -> float:
    """Purchases that came by those expected, drawn towards 1 where they are few."""
    return (actual + _PRIOR) / (expected + _PRIOR)


def is_steady(recent: float, year: float) -> bool:
    """Whether a shop seems in no season: `recent` and `year` purchases a day of the last 30 and the last 365 days."""
    return STEADY[0] * year <= recent <= STEADY[1] * year
