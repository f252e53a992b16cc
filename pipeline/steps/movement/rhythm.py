"""Step `rhythm`: how long customers take to buy again, by when those who do are back, and when the hope fades."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable
from typing import Any

import polars as pl

from pipeline.engines.engine import Engine
from pipeline.models.survival import (
    HORIZONS,
    LEAST_AT_HORIZON,
    LEAST_AT_RISK,
    LEAST_IN_QUARTER,
    LEAST_RETURNED,
    SurvivalCurve,
    percentile_interval,
    resampled,
)
from pipeline.settings import Settings
from pipeline.tables.catalog import with_features

DRAWS, SEED = 200, 20260101
SHARES = (10, 20, 25, 30, 40, 50, 60, 70, 75, 80, 90)
LEAST_AT_QUANTILE = 10
RETURNED = (25, 50, 75)
"""Of those who come back, in percent. The half and the three quarters are acted on, so they have intervals."""
POOLED_FROM = 10
"""Order numbers from here on are one group of the gaps; each alone would soon hold nobody."""
EVERYBODY = "all"

Rows = list[dict[str, Any]]

_SILENCES = """
SELECT grouping, group_name, bucket, days, ended, silences
FROM features.grouped_silences
ORDER BY grouping, group_name, bucket, days, ended
"""
_LIMITS = """
SELECT customer_kind, defecting_days FROM marts.lifecycle_thresholds WHERE snapshot_date = $snapshot_date
"""


def queries() -> dict[str, str]:
    """Everything that the step asks of the engine, by name."""
    return {"silences": with_features(_SILENCES), "limits": _LIMITS}


def compute(engine: Engine, settings: Settings, day: dt.date, log: Callable[[str], object]) -> dict[str, pl.DataFrame]:
    """Gaps of every group, key moments of every order number and quarter, and the curves they are read off."""
    silences = engine.read(queries()["silences"], {"snapshot_date": day})
    limits = dict(engine.read(_LIMITS, {"snapshot_date": day}).iter_rows())
    by_number = {int(name): group for name, group in groups_of(silences, "order_number").items()}
    steps = {n: group for n, group in sorted(by_number.items()) if n == 1 or group.curve.horizon() is not None}
    moments = [
        row
        for number, group in steps.items()
        for row in _moments(group, number, EVERYBODY, limits["one-time" if number == 1 else "repeat"], settings)
    ]
    for quarter, group in groups_of(silences, "cohort").items():
        moments += _moments(group, 1, quarter, limits["one-time"], settings)
    _mark_shared_horizon(moments)
    log(_sentence(day, moments))
    rows = {
        "purchase_gaps": _gaps(silences),
        "key_moments": moments,
        "survival_curves": [row for number, group in steps.items() for row in _points(group, number)],
    }
    return {name: pl.DataFrame(found, infer_schema_length=None) for name, found in rows.items()}


class Silences:
    """Silences of one group: their curve, and what would become of it with other customers."""

    def __init__(self, frame: pl.DataFrame) -> None:
        self._days, self._ended, self._times = (frame[name].to_numpy() for name in ("days", "ended", "silences"))
        self._buckets = frame["bucket"].rank("dense").to_numpy()  # numbers are told apart sooner than texts
        self.curve = SurvivalCurve.of(self._days, self._ended, self._times, max(HORIZONS))
        self.silences = int(frame["silences"].sum())
        self.ended = int(frame.filter("ended")["silences"].sum())
        self._drawn: list[SurvivalCurve] | None = None

    def returned(self, day: int) -> int:
        """Silences that a purchase ended by this day."""
        return int(self._times[self._ended & (self._days <= day)].sum())

    def unwatched(self, day: int) -> int:
        """Silences that go on and were not watched until this day."""
        return int(self._times[~self._ended & (self._days < day)].sum())

    def interval(self, read: Callable[[SurvivalCurve], int | None]) -> tuple[int | None, int | None]:
        """95 % bootstrap interval of a day that is read off the curve; an end that is None is open."""
        if self._drawn is None:
            self._drawn = resampled(self._days, self._ended, self._times, self._buckets, DRAWS, SEED, max(HORIZONS))
        return percentile_interval([read(curve) for curve in self._drawn])


def groups_of(silences: pl.DataFrame, grouping: str) -> dict[str, Silences]:
    """The silences of each group of a grouping, by its name."""
    groups = silences.filter(grouping=grouping).partition_by("group_name", as_dict=True)
    return {name: Silences(rows) for (name,), rows in sorted(groups.items())}


# ── gaps ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _gaps(silences: pl.DataFrame) -> Rows:
    number = pl.col("group_name").cast(pl.Int64, strict=False)
    pooled = pl.when((pl.col("grouping") == "order_number") & (number >= POOLED_FROM))
    named = silences.with_columns(group_name=pooled.then(pl.lit(f"{POOLED_FROM}+")).otherwise("group_name"))
    return [
        _gap(grouping, name, group)
        for grouping in ("order_number", "found", "stage", "segment")
        for name, group in groups_of(named, grouping).items()
    ]


def _gap(grouping: str, name: str, group: Silences) -> dict[str, Any]:
    return {
        "grouping": grouping,
        "group_name": name,
        "is_selected": grouping in {"stage", "segment"},
        "silences": group.silences,
        **gap_columns(group),
    }


def gap_columns(group: Silences) -> dict[str, Any]:
    """How many silences ended, and by which day which share had; the median with its interval."""
    days = {share: _quantile(group.curve, share) for share in SHARES}
    low, high = (None, None) if days[50] is None else group.interval(lambda curve: curve.quantile(0.5))
    return {
        "ended": group.ended,
        "censored": group.silences - group.ended,
        **{"median_days" if share == 50 else f"p{share}_days": day for share, day in days.items()},
        "median_low": low,
        "median_high": high,
    }


def _quantile(curve: SurvivalCurve, percent: int) -> int | None:
    """The day by which so many have bought, if enough are still watched then for the curve to mean something."""
    day = curve.quantile(percent / 100)
    return day if day is not None and curve.at_risk[day] >= LEAST_AT_QUANTILE else None


# ── key moments ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _moments(group: Silences, order_number: int, cohort: str, limit: int, settings: Settings) -> Rows:
    """A row per horizon; what is read off a horizon that is not reached is null."""
    longest, needed = group.curve.horizon(), LEAST_AT_HORIZON if cohort == EVERYBODY else LEAST_IN_QUARTER
    majority = _majority(group.curve, limit)
    majority_ends = (None, None) if majority is None else group.interval(lambda curve: _majority(curve, limit))
    return [
        {
            "order_number": order_number,
            "cohort": cohort,
            "horizon_days": horizon,
            "is_main": cohort == EVERYBODY and horizon == longest,
            "silences": group.silences,
            "at_risk": int(group.curve.at_risk[horizon]),
            "returned": group.returned(horizon),
            "unwatched": group.unwatched(horizon),
            **_at_horizon(group, horizon, needed, settings.rhythm.send_lead_days),
            "limit_days": limit,
            "majority_days": majority,
            "majority_low": majority_ends[0],
            "majority_high": majority_ends[1],
        }
        for horizon in HORIZONS
    ]


_READ_AT_HORIZON = (
    "share_back", "share_back_low", "share_back_high", "back_p25_days", "back_p50_days", "back_p50_low",
    "back_p50_high", "back_p75_days", "back_p75_low", "back_p75_high", "key_moment_days", "key_moment_low",
    "key_moment_high", "send_days",
)  # fmt: skip


def _at_horizon(group: Silences, horizon: int, needed: int, lead: int) -> dict[str, Any]:
    """`needed`: silences that have to be watched then."""
    curve = group.curve
    if curve.at_risk[horizon] < needed:
        return {"status": "not_reached", **dict.fromkeys(_READ_AT_HORIZON)}
    low, high = curve.interval()
    moment = curve.half_life(horizon)
    ends = (None, None) if moment is None else group.interval(lambda drawn: drawn.half_life(horizon))
    return {
        "status": "known",
        "share_back": float(1 - curve.survival[horizon]),
        "share_back_low": float(1 - high[horizon]),
        "share_back_high": float(1 - low[horizon]),
        **_back(group, horizon),
        "key_moment_days": moment,
        "key_moment_low": ends[0],
        "key_moment_high": ends[1],
        "send_days": None if moment is None else max(0, moment - lead),
    }


def _back(group: Silences, horizon: int) -> dict[str, int | None]:
    """The days by which so many of those who come back by the horizon are back; unknown of few."""
    found: dict[str, int | None] = {}
    for share in RETURNED:

        def read(curve: SurvivalCurve, share: float = share / 100) -> int | None:
            return curve.return_quantile(share, horizon)

        is_known = group.returned(horizon) >= LEAST_RETURNED
        found[f"back_p{share}_days"] = read(group.curve) if is_known else None
        if share >= 50:
            ends = group.interval(read) if is_known else (None, None)
            found |= {f"back_p{share}_low": ends[0], f"back_p{share}_high": ends[1]}
    return found


def _majority(curve: SurvivalCurve, limit: int) -> int | None:
    """Only where enough silences are watched up to the limit."""
    watched = limit < len(curve.at_risk) and curve.at_risk[limit] >= LEAST_AT_RISK
    return curve.majority(limit) if watched else None


def _mark_shared_horizon(moments: Rows) -> None:
    """Quarters are compared at one horizon: the one that most of them have reached, of equals the longest."""
    quarters = [row for row in moments if row["cohort"] != EVERYBODY]
    reached = Counter(row["horizon_days"] for row in quarters if row["status"] == "known")
    shared = max(reached, key=lambda horizon: (reached[horizon], horizon), default=None)
    for row in quarters:
        row["is_main"] = row["horizon_days"] == shared


def _sentence(day: dt.date, moments: Rows) -> str:
    first = next((row for row in moments if row["is_main"] and row["cohort"] == EVERYBODY), None)
    if first is None or first["order_number"] != 1:
        return f"{day}: too few customers were watched long enough for a key moment of the second purchase."
    if not first["share_back"]:
        return f"{day}: nobody bought a second time within {first['horizon_days']} days, so there is no key moment."
    back = f"{day}: {first['share_back']:.1%} buy a second time within {first['horizon_days']} days"
    if first["back_p50_days"] is not None:
        back += f", half of them by day {first['back_p50_days']}, three quarters by day {first['back_p75_days']}"
    if first["key_moment_days"] is None:
        return f"{back}; on no day before has their chance halved, so there is no key moment."
    return f"{back}; the key moment is day {first['key_moment_days']}."


# ── curves ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _points(group: Silences, order_number: int) -> Rows:
    """The curve as long as enough silences are watched."""
    curve = group.curve
    low, high = curve.interval()
    return [
        {
            "order_number": order_number,
            "silent_days": day,
            "share_back": float(1 - curve.survival[day]),
            "share_low": float(1 - high[day]),
            "share_high": float(1 - low[day]),
            "at_risk": int(curve.at_risk[day]),
        }
        for day in range(int((curve.at_risk >= LEAST_AT_RISK).sum()))
    ]
