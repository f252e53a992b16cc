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
def people_attached(engine: DuckDBEngine, settings: Settings, read_only: bool = False) -> Iterator[None]:
    """The file within reach of SQL as `people`, and again out of it. Whoever asks holds the home.

    `read_only`: nothing is written; where there is no file, nobody is in it.
    """
    file = people_file(settings)
    is_file = file.exists() or not read_only
    if not read_only:
        file.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
    place = text_literal(str(file) if is_file else ":memory:")
    engine.execute(f"ATTACH {place} AS people{' (READ_ONLY)' if is_file and read_only else ''}")
    try:
        if not (is_file and read_only):
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
