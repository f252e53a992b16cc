"""Step `lifecycle_thresholds`: after how much silence a customer is defecting or inactive, learnt or set."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from pipeline.engines.engine import Engine
from pipeline.models.survival import SurvivalCurve, percentile_interval, resampled
from pipeline.settings import Settings
from pipeline.tables.catalog import with_features

KINDS = ("one-time", "repeat")
DRAWS, SEED = 200, 20260101


@dataclass(frozen=True)
class Limit:
    """One of the two limits: below which share of the first chance, and which day stands in when it is not reached."""

    name: str
    share: float
    stand_in: int


_SILENCES = """
    SELECT customer_kind, bucket, days, ended,
      sum(silences)::BIGINT AS silences, sum(customers)::BIGINT AS customers
    FROM features.silences
    GROUP BY customer_kind, bucket, days, ended
    ORDER BY customer_kind, bucket, days, ended
"""
DEFECTING, INACTIVE = Limit("defecting", 1 / 2, 180), Limit("inactive", 1 / 4, 365)


def queries() -> dict[str, str]:
    """Everything that the step asks of the engine, by name."""
    return {"silences": with_features(_SILENCES)}


def compute(engine: Engine, settings: Settings, day: dt.date, log: Callable[[str], object]) -> dict[str, pl.DataFrame]:
    """Both limits for both kinds of customers, always two rows."""
    silences = silences_of(engine, day)
    rows = [_row(kind, silences.filter(customer_kind=kind), settings) for kind in KINDS]
    for row in rows:
        log(
            f"{day}: {row['customer_kind']} customers are defecting after {row['defecting_days']} days "
            f"({row['defecting_status']}), inactive after {row['inactive_days']} ({row['inactive_status']})."
        )
    return {"lifecycle_thresholds": pl.DataFrame(rows, infer_schema_length=None)}


def silences_of(engine: Engine, day: dt.date) -> pl.DataFrame:
    """Silences by kind, bucket, days and whether they ended; the rows are in a fixed order."""
    return engine.read(queries()["silences"], {"snapshot_date": day})


def _row(kind: str, silences: pl.DataFrame, settings: Settings) -> dict[str, Any]:
    days, ended, times = (silences[name].to_numpy() for name in ("days", "ended", "silences"))
    curve = SurvivalCurve.of(days, ended, times)
    chance = curve.chance()
    drawn = resampled(days, ended, times, silences["bucket"].to_numpy(), DRAWS, SEED)
    given = settings.lifecycle
    defecting = _limit(DEFECTING, curve, drawn, given.defecting_days)
    inactive = _limit(INACTIVE, curve, drawn, given.inactive_days)
    # What is set stands; the other limit gives way, so that nobody is inactive before defecting.
    if given.inactive_days is not None:
        defecting["defecting_days"] = min(defecting["defecting_days"], inactive["inactive_days"])
    inactive["inactive_days"] = max(defecting["defecting_days"], inactive["inactive_days"])
    return {
        "customer_kind": kind,
        **defecting,
        **inactive,
        "chance_at_0": float(chance[0]) if len(chance) and np.isfinite(chance[0]) else None,
        "silences": int(times.sum()),
        "customers": int(silences["customers"].sum()),
    }


def _limit(limit: Limit, curve: SurvivalCurve, drawn: list[SurvivalCurve], given: int | None) -> dict[str, Any]:
    learnt = curve.limit(limit.share)
    low, high = percentile_interval([one.limit(limit.share) for one in drawn] if given is None else [])
    status = "set" if given is not None else "not_reached" if learnt is None else "learnt"
    return {
        f"{limit.name}_days": given or learnt or limit.stand_in,
        f"{limit.name}_status": status,
        f"{limit.name}_low": low,
        f"{limit.name}_high": high,
    }
