"""Step `controls`: who is left alone by which audience since when, so that what campaigns cause can be measured."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import polars as pl

from pipeline.engines.engine import Engine
from pipeline.models.control_groups import DISCOUNTS, HOLDOUT, falls_on
from pipeline.settings import Settings
from pipeline.tables.audiences import on_terms
from pipeline.tables.catalog import catalog_of

SEGMENTS = "segments"
"""The audiences whose members a table tells; who is in another is known only when its files are written."""

_MEMBERS = f"""
SELECT catalogue || '/' || segment AS audience, customer_id
FROM marts.rfm_segments
WHERE snapshot_date = $snapshot_date
UNION ALL
SELECT everybody.audience, stages.customer_id
FROM marts.lifecycle_stages AS stages
CROSS JOIN (VALUES ('{HOLDOUT}'), ('{DISCOUNTS}')) AS everybody (audience)
WHERE snapshot_date = $snapshot_date
"""
_BEFORE = """
SELECT audience, customer_id, member_from, member_until, arm, first_on, share
FROM marts.control_members
WHERE snapshot_date = (SELECT max(snapshot_date) FROM marts.control_members WHERE snapshot_date < $snapshot_date)
"""
CONTROL_ARM, HOLDOUT_ARM = "control", "holdout"
_WHOSE = ["audience", "customer_id"]


def queries() -> dict[str, str]:
    """Everything that the step asks of the engine, by name."""
    return {"members": _MEMBERS, "before": _BEFORE}


def compute(engine: Engine, settings: Settings, day: dt.date, log: Callable[[str], object]) -> dict[str, pl.DataFrame]:
    """Every spell of a customer as a member of an audience that leaves them alone, those of before included."""
    audiences = on_terms(catalog_of(settings.home).audiences, settings.deliver)
    own = {one.name: one.header.control_share for one in audiences}[SEGMENTS]
    lots = Lots(settings.holdout_share, {HOLDOUT: 0.0, DISCOUNTS: settings.discounts.control_share}, own)
    before = engine.read(queries()["before"], {"snapshot_date": day})
    if before.is_empty() and not lots.are_drawn:
        return {}
    members = engine.read(queries()["members"], {"snapshot_date": day})
    known = before.group_by(_WHOSE).agg(pl.col("arm").first(), pl.col("first_on").min())
    alone = left_alone(members.join(known, on=_WHOSE, how="left"), lots)
    log(f"{day}: {alone['customer_id'].n_unique():,} customers are left alone, by one audience or by all.")
    return {"control_members": spells(alone, before, day)}


@dataclass(frozen=True)
class Lots:
    """Shares that are left alone: of everybody by every audience, and by each for itself."""

    everywhere: float
    of: Mapping[str, float]
    otherwise: float

    @property
    def are_drawn(self) -> bool:
        return bool(self.everywhere or self.otherwise or any(self.of.values()))

    def own(self, audience: str) -> float:
        return self.of.get(audience, self.otherwise)


def left_alone(members: pl.DataFrame, lots: Lots) -> pl.DataFrame:
    """Of `members` (with arm and first_on of before, if any) those who are left alone: arm, and the chance of it.

    Who was once stays so, as long as that lot is drawn at all.
    """
    salts = pl.DataFrame(
        [(audience, lots.own(audience)) for audience in members["audience"].unique()],
        schema={"audience": pl.String, "own": pl.Float64}, orient="row",
    )  # fmt: skip
    told = members.join(salts, on="audience").with_columns(everywhere=pl.lit(lots.everywhere))
    own = falls_on(told.with_columns(salt="audience"), "own")
    all_of = falls_on(told.with_columns(salt=pl.lit(HOLDOUT)), "everywhere")
    lot = pl.when(all_of).then(pl.lit(HOLDOUT_ARM)).when(own).then(pl.lit(CONTROL_ARM))
    is_on = pl.when(pl.col("arm") == HOLDOUT_ARM).then(pl.col("everywhere") > 0).otherwise(pl.col("own") > 0)
    share = 1 - (1 - pl.col("own")) * (1 - pl.col("everywhere"))
    return (
        told.with_columns(arm=pl.coalesce("arm", lot))
        .filter(pl.col("arm").is_not_null() & is_on)
        .select(*_WHOSE, "arm", "first_on", share=share)
    )


def spells(alone: pl.DataFrame, before: pl.DataFrame, day: dt.date) -> pl.DataFrame:
    """Spells of before, ended on the day for who is not `alone` any more, and those that begin on it."""
    ended = pl.col("member_until").is_null() & pl.col("here").is_null()
    carried = before.join(alone.select(*_WHOSE, here=pl.lit(True)), on=_WHOSE, how="left").with_columns(
        member_until=pl.when(ended).then(pl.lit(day)).otherwise("member_until")
    )
    going_on = carried.filter(pl.col("member_until").is_null())
    begun = alone.join(going_on, on=_WHOSE, how="anti").with_columns(
        member_from=pl.lit(day), member_until=pl.lit(None, pl.Date), first_on=pl.coalesce("first_on", pl.lit(day))
    )
    columns = [*_WHOSE, "member_from", "member_until", "arm", "first_on", "share"]
    return pl.concat([carried.select(columns), begun.select(columns)])
