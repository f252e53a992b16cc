"""Rewriting: the warehouse as a new file that holds what it holds now, and nothing of what was deleted.

DuckDB keeps deleted text in free blocks, through CHECKPOINT and VACUUM. What must be gone for good is deleted first;
then everything is copied into a new file, which takes the place of the old one by one rename. Whoever dies before that
leaves the old file, and a new one that nobody needs. Everything here expects the caller to hold the home, with the file
closed.
"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import duckdb

from pipeline.durable import fsync
from pipeline.engines.duckdb import DuckDBEngine, connect
from pipeline.home.migrations import migrate
from pipeline.home.opening import opened
from pipeline.home.people import people_file
from pipeline.home.retention import snapshots_of
from pipeline.quoting import text_literal
from pipeline.settings import Settings


def remove_raw_rows(settings: Settings) -> bool:
    """A warehouse of before held the text of quarantined rows: take it out. Returns whether there was any.

    The text stands in data/quarantine all the same.
    """
    if not settings.warehouse_file.exists():
        return False
    with opened(settings) as connection:
        if not holds_raw_rows(connection):
            return False
        connection.execute(
            # Reasons of before quoted the cell; what is left of them says column and fault.
            """UPDATE ingest.quarantine SET raw = '', reasons = regexp_replace(reasons, '": ".*" ', '" ')"""
        ).fetchall()
        connection.execute("UPDATE ingest.files SET mapping = 'stale' WHERE quarantined > 0").fetchall()
    rewrite(settings, "ALTER TABLE ingest.quarantine DROP COLUMN raw")  # last: until then, this begins again
    return True


def holds_raw_rows(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether this is a warehouse of before."""
    column = (
        "SELECT 1 FROM duckdb_columns() WHERE schema_name = 'ingest' AND table_name = 'quarantine' "
        "AND column_name = 'raw'"
    )
    return bool(connection.execute(column).fetchall())


def rewrite(settings: Settings, then: str | None = None) -> None:
    """Copy the warehouse into a new file, do `then` there, and put that in the place of the old one."""
    with opened(settings) as connection:
        connection.execute("CHECKPOINT").fetchall()  # no log of the old file can outlive it, and meet the new one
    rewrite_file(settings.warehouse_file, settings, then)


def rewrite_file(file: Path, settings: Settings, then: str | None = None) -> None:
    """The same of any file of DuckDB, which is closed and has no log."""
    fresh = _fresh(file)
    _remove_unfinished(fresh)
    with closing(connect(fresh, settings)) as connection:
        connection.execute(f"ATTACH {text_literal(file)} AS old (READ_ONLY)").fetchall()
        new = connection.execute("SELECT current_database()").fetchall()[0][0]
        connection.execute(f'COPY FROM DATABASE old TO "{new}"').fetchall()
        connection.execute("DETACH old").fetchall()
        if then:
            connection.execute(then).fetchall()
    fsync(fresh)
    fresh.replace(file)
    fsync(file.parent)


def remove_unfinished(settings: Settings) -> None:
    """What a rewriting that was stopped has left, with its log: it may hold what was to be gone."""
    for folder in (settings.warehouse_file.parent, people_file(settings).parent):
        for path in folder.glob(f"{_fresh(Path('*')).name}*"):
            path.unlink(missing_ok=True)


def _remove_unfinished(fresh: Path) -> None:
    for path in (fresh, fresh.with_name(f"{fresh.name}.wal")):
        path.unlink(missing_ok=True)


def _fresh(file: Path) -> Path:
    return file.with_name(f".{file.name}.rewriting")


REKEY_MARK = "ingest.rekey_under_way"


def finish_rekey(settings: Settings) -> bool:
    """Finish a rekey that has begun; returns whether there was one. The caller holds the home, with the file closed."""
    if not settings.warehouse_file.exists():
        return False
    with opened(settings) as connection:
        engine = DuckDBEngine(connection)
        if not engine.is_table(REKEY_MARK):
            return False
        migrate(engine, settings)
        snapshots = snapshots_of(settings, engine)
        if days := sorted(snapshots.rows_by_day()):
            snapshots.drop_days(days)
    rewrite(settings, f"DROP TABLE {REKEY_MARK}")
    return True
