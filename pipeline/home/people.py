"""People: who customers are, in a DuckDB file of its own that nothing but ingest and activation opens.

Rows are those of `staging`, by file and row: which of two exports counts is decided there alone. A row is written here
before its own is committed there, so that none is missing after a crash; those without one are removed by `sweep`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import duckdb

from pipeline.engines.duckdb import DuckDBEngine
from pipeline.quoting import quoted, text_literal
from pipeline.settings import Settings
from pipeline.tables.inputs import INPUTS, Input

FILE = Path("data", "people", "people.duckdb")


def people_file(settings: Settings) -> Path:
    return settings.home / FILE


def table_of(one: Input) -> str:
    """The personal columns of an input, once `people_attached`."""
    return f"people.{quoted(one.name)}"


@contextmanager
def people_attached(engine: DuckDBEngine, settings: Settings) -> Iterator[None]:
    """The file within reach of SQL as `people`, and again out of it. Whoever asks holds the home."""
    file = people_file(settings)
    file.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
    engine.execute(f"ATTACH {text_literal(str(file))} AS people")
    try:
        with engine.transaction():
            for one in _inputs():
                _prepare(engine, one)
        yield
    finally:
        with suppress(duckdb.Error):  # after a full disk nothing can be said to the connection any more
            engine.execute("DETACH people")


def sweep(engine: DuckDBEngine) -> None:
    """Remove the rows that no row of staging belongs to: of files that are gone, given way or never committed."""
    with engine.transaction():
        for one in _inputs():
            engine.execute(
                f"DELETE FROM {table_of(one)} AS known WHERE NOT EXISTS (SELECT 1 FROM {one.table.full_name} AS rows "
                f"WHERE rows.file_id = known.file_id AND rows.row_number = known.row_number)"
            )


def _inputs() -> list[Input]:
    return [one for one in INPUTS.values() if one.persons]


def _prepare(engine: DuckDBEngine, one: Input) -> None:
    engine.execute(f"CREATE TABLE IF NOT EXISTS {table_of(one)} (file_id VARCHAR, row_number BIGINT)")
    for name in one.persons:
        kind = one.header.columns[name].type
        engine.execute(f"ALTER TABLE {table_of(one)} ADD COLUMN IF NOT EXISTS {quoted(name)} {kind}")
