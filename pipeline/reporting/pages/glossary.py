"""Glossary: every column of every table, as the headers of the SQL files document it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pipeline.reporting.facts import Report
from pipeline.tables.header import Table

_SCHEMA_ORDER = {"marts": 0, "staging": 2, "ingest": 3}


@dataclass(frozen=True)
class GlossaryTable:
    name: str
    anchor: str
    description: str
    grain: str
    owner: str
    columns: tuple[tuple[str, str, str, str, str], ...]
    """Name, type, unit, meaning, values."""


def context(report: Report) -> dict[str, Any]:
    tables = sorted(report.tables.values(), key=lambda table: (_SCHEMA_ORDER.get(table.schema, 1), table.full_name))
    return {"tables": [_entry(table, report.run.currency) for table in tables]}


def _entry(table: Table, currency: str) -> GlossaryTable:
    return GlossaryTable(
        name=table.full_name,
        anchor=table.full_name.replace(".", "-"),
        description=table.header.description,
        grain=", ".join(table.header.grain),
        owner=table.header.owner,
        columns=tuple(
            (
                name,
                column.type,
                (column.unit or "").replace("currency", currency),
                column.meaning,
                ", ".join(str(value) for value in column.values or ()),
            )
            for name, column in table.header.columns.items()
        ),
    )
