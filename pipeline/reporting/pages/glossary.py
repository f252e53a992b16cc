"""Data dictionary: every column of every table, as the headers of the SQL files document it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import Any

from pipeline.reporting.facts import Report
from pipeline.tables.header import Table

_CHAPTERS = ("customers", "revenue", "rfm", "trend", "lifecycle", "rhythm", "prediction", "products", "campaigns",
             "activation")  # fmt: skip
_LAST_CHAPTERS = ("staging", "ingest")


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
    tables = sorted(report.tables.values(), key=lambda table: (_place(table.topic), table.topic, table.full_name))
    chapters = groupby(tables, key=lambda table: table.topic)
    return {
        "chapters": [
            (_chapter(topic), [_entry(table, report.run.currency) for table in listed]) for topic, listed in chapters
        ]
    }


def _chapter(topic: str) -> str:
    return "RFM" if topic == "rfm" else topic.replace("_", " ").capitalize()


def _place(topic: str) -> int:
    """Ours in their order, then those that a home adds, then what all of them are made from."""
    chapters = (*_CHAPTERS, "", *_LAST_CHAPTERS)
    return chapters.index(topic if topic in chapters else "")


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
