"""Step `engagement_gaps`: how long customers take to come to the web shop again."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import polars as pl

from pipeline.engines.engine import Engine
from pipeline.settings import Settings
from pipeline.steps.movement.rhythm import gap_columns, groups_of
from pipeline.tables.catalog import with_features

GROUPINGS = ("all", "channel", "level")

_GAPS = """
SELECT grouping, group_name, bucket, days, ended, gaps AS silences
FROM features.visit_gaps
"""


def queries() -> dict[str, str]:
    """Everything that the step asks of the engine, by name."""
    return {"gaps": with_features(_GAPS)}


def compute(engine: Engine, settings: Settings, day: dt.date, log: Callable[[str], object]) -> dict[str, pl.DataFrame]:
    """A row per group, of all visits, by their channel and by the level of their customer."""
    counted = engine.read(queries()["gaps"], {"snapshot_date": day})
    rows = [
        {
            "grouping": grouping,
            "group_name": name,
            "is_selected": grouping == "level",
            "gaps": group.silences,
            **gap_columns(group),
        }
        for grouping in GROUPINGS
        for name, group in groups_of(counted, grouping).items()
    ]
    log(f"{day}: {counted.filter(grouping='all')['silences'].sum():,} gaps after visits in {len(rows)} groups.")
    return {"engagement_gaps": pl.DataFrame(rows, infer_schema_length=None)}
