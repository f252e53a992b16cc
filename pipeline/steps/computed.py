"""Steps that Python computes: which function makes the tables whose headers say `computed_by`.

Nothing of a step is imported before it runs; the mathematics is in `pipeline.models`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from typing import cast

import polars as pl

from pipeline.engines.engine import Engine
from pipeline.settings import Settings
from pipeline.tables.catalog import tables
from pipeline.tables.header import Table
from pipeline.tables.remembered import remembering

Compute = Callable[[Engine, Settings, dt.date, Callable[[str], object]], Mapping[str, pl.DataFrame]]
"""(engine, settings, snapshot date, log) -> rows by name of the table; a table that is left out is empty."""

STEPS = {
    "prediction": "pipeline.steps.prediction.rows",
    "lifecycle_thresholds": "pipeline.steps.movement.thresholds",
    "lifecycle_projection": "pipeline.steps.movement.projection",
    "trend": "pipeline.steps.movement.trend",
    "rhythm": "pipeline.steps.movement.rhythm",
    "need_stages": "pipeline.steps.products.need_stages",
    "next_categories": "pipeline.steps.products.next_categories",
    "recommendations": "pipeline.steps.products.recommendations",
    "stage_moves": "pipeline.steps.products.stage_moves",
    "affinity": "pipeline.steps.products.affinity",
    "taste": "pipeline.steps.products.taste",
    "attribution": "pipeline.steps.campaigns.attribution",
    "engagement_gaps": "pipeline.steps.campaigns.engagement_gaps",
    "contact_calendar": "pipeline.steps.activation.contact_calendar",
    "controls": "pipeline.steps.activation.controls",
    "uplift": "pipeline.steps.campaigns.uplift",
}
"""Step -> module with its `compute`."""


def compute_of(step: str) -> Compute:
    return cast(Compute, import_module(STEPS[step]).compute)


def tables_of(step: str) -> list[Table]:
    """What the step writes."""
    return [table for table in tables().values() if table.header.computed_by == step]


def queries_of(step: str) -> Mapping[str, str]:
    """Every SELECT that the step asks of the engine, by name: the engine may be either, so they are portable."""
    with remembering():
        return cast(Mapping[str, str], import_module(STEPS[step]).queries())


def asked_of(every: Iterable[Table]) -> dict[str, list[str]]:
    """All SELECTs of a run that writes these tables: by name of the table, or of the step that computes it."""
    asked = {table.full_name: [table.select] for table in every if table.select}
    return asked | {step: list(queries_of(step).values()) for step in STEPS}
