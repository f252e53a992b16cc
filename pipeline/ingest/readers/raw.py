"""The temporary table `raw`, and what is known of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pipeline.dialect import Dialect
from pipeline.engines.duckdb import DuckDBEngine

_NUMBER = "__row__"  # where rows bring their own number, because some before them are not in `raw`
Read = tuple[list[str], str, frozenset[str]]
"""What a reader of text has read: columns, the SQL of a row's number, columns whose cells JSON has as numbers."""
NO_COLUMNS = frozenset[str]()


@dataclass(frozen=True)
class RawFile:
    """What `raw` holds: the columns of the file, the SQL of a row's number, and how the file is written."""

    columns: list[str]
    number: str
    dialect: Dialect
    header_line: int = 1
    """Where the header stands."""
    title_lines: int = 0
    """Lines above the header that were left out: a title, blank lines."""
    typed: frozenset[str] = frozenset()
    """Columns of text whose cells the file itself declares to be numbers (JSON)."""


def create_raw(engine: DuckDBEngine, call: str) -> tuple[list[str], str]:
    """(the columns of `raw`, the SQL of a row's number). A column named as DuckDB names that number would hide it."""
    columns = [row[0] for row in engine.execute(f"SELECT column_name FROM (DESCRIBE FROM {call})")]
    if "rowid" not in map(str.lower, columns):
        engine.execute(f"CREATE OR REPLACE TEMP TABLE raw AS SELECT * FROM {call}")
        return columns, "raw.rowid + 1"
    number = number_beside(columns)
    engine.execute(f"CREATE OR REPLACE TEMP TABLE raw AS SELECT row_number() OVER () AS {number}, * FROM {call}")
    return columns, f"raw.{number}"


def number_beside(columns: Iterable[str]) -> str:
    """The name of a column for the numbers of rows that none of the columns has."""
    taken, name = {column.lower() for column in columns}, _NUMBER
    while name in taken:
        name += "_"
    return name
