"""Data dictionary: the tables by topic, whose headers document every column."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from pipeline.tables.header import Table

_CHAPTERS = ("customers", "revenue", "rfm", "trend", "lifecycle", "rhythm", "prediction", "products", "campaigns",
             "activation")  # fmt: skip
_LAST_CHAPTERS = ("staging", "ingest")


def dictionary(tables: Iterable[Table]) -> list[tuple[str, list[Table]]]:
    """Chapters in the order a reader needs them: ours, those that a home adds, then what all are made from."""
    ordered = sorted(tables, key=lambda table: (_place(table.topic), table.topic, table.full_name))
    return [(_chapter(topic), list(listed)) for topic, listed in groupby(ordered, key=lambda table: table.topic)]


def _chapter(topic: str) -> str:
    return "RFM" if topic == "rfm" else topic.replace("_", " ").capitalize()


def _place(topic: str) -> int:
    chapters = (*_CHAPTERS, "", *_LAST_CHAPTERS)
    return chapters.index(topic if topic in chapters else "")
