"""Quarantine: the rows that do not fit, as they came, one Parquet file per export. Nothing else holds their text.

The warehouse knows their numbers, reasons and count; raw text in it would stay in free blocks for ever. A file is
written, on disk for good, before the transaction that tells of it commits, and gets its name after that:

    data/quarantine/.<file id>-<reading>.parquet   written, and not told of yet
    data/quarantine/<export>-<file id>.parquet     told of by the ledger

Whoever dies in between leaves a hidden file, of which the ledger says whether its transaction was committed: `settle`
gives it its name or removes it.

Text leaves `keep_quarantine_days` after it was written. The file stays, with numbers and reasons: one that is missing
would be written again from its export.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import duckdb

from pipeline.durable import fsync
from pipeline.engines.duckdb import DuckDBEngine
from pipeline.places import QUARANTINE, quarantine_ending, quarantine_file
from pipeline.quoting import file_literal
from pipeline.settings import Settings

_DAY = 86_400
"""Seconds."""


def scratch_folder(settings: Settings) -> Path:
    """Where copies of exports in another encoding lie while they are read."""
    return settings.home / QUARANTINE / ".reading"


def write_rows(engine: DuckDBEngine, settings: Settings, file_id: str, mapping: str, rows: str) -> None:
    """Write the rows of a SELECT of row_number, reasons, raw aside, before the transaction that tells of them commits.

    `mapping` is how the file was read, as the ledger will have it.
    """
    path = _written(settings, file_id, mapping)
    path.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
    try:
        engine.export(
            f"SELECT row_number, reasons, raw FROM ({rows}) AS rows ORDER BY row_number", {"file_id": file_id}, path
        )
        path.chmod(0o600)
        fsync(path)
        fsync(path.parent)
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def name_rows(settings: Settings, file_id: str, mapping: str, path: str) -> None:
    """Give the rows that were written aside their name; `path` is the export's. After the commit."""
    written = _written(settings, file_id, mapping)
    if written.exists():
        written.replace(settings.home / quarantine_file(path, file_id))
        fsync(written.parent)


def settle(engine: DuckDBEngine, settings: Settings) -> None:
    """Make the folder what the ledger tells: finish what was committed, remove what was not or is no longer told of.

    An export whose rows somebody has removed is read again when it is there. The caller holds the home.
    """
    folder = settings.home / QUARANTINE
    told = engine.execute("SELECT file_id, mapping, path FROM ingest.files WHERE quarantined > 0 ORDER BY file_id")
    for file_id, mapping, path in told:
        name_rows(settings, file_id, mapping, path)
    names = {Path(quarantine_file(path, file_id)).name: file_id for file_id, _, path in told}
    by_ending = {quarantine_ending(file_id): name for name, file_id in names.items()}
    present = {path.name for path in folder.iterdir() if path.is_file()} if folder.is_dir() else set()
    for name in sorted(present - names.keys()):
        meant = None if name.startswith(".") else by_ending.get(name[-len(quarantine_ending(" " * 8)) :])
        if meant is None or meant in present:
            (folder / name).unlink()
        else:  # the name of another version
            (folder / name).replace(folder / meant)
            present.add(meant)
    missing = [file_id for name, file_id in names.items() if name not in present]
    if missing:
        again = "UPDATE ingest.files SET mapping = 'stale' WHERE list_contains($missing, file_id)"
        engine.execute(again, {"missing": missing})


def with_old_text(settings: Settings) -> list[str]:
    """The files that hold text past its time, relative to the home."""
    earliest = time.time() - settings.keep_quarantine_days * _DAY  # no date: a million days ago there was none
    files = sorted((settings.home / QUARANTINE).glob("[!.]*.parquet"))
    old = [path for path in files if path.stat().st_mtime < earliest]
    with duckdb.connect() as connection:
        return [path.relative_to(settings.home).as_posix() for path in old if _holds_text(connection, path)]


def _holds_text(connection: duckdb.DuckDBPyConnection, path: Path) -> bool:
    with suppress(duckdb.Error):  # of one that is damaged nothing can be removed
        found = connection.execute(f"SELECT 1 FROM read_parquet({file_literal(path)}) WHERE raw <> '' LIMIT 1")
        return found.fetchone() is not None
    return False


def remove_text(path: Path, rows: Sequence[int] | None = None) -> None:
    """Write a file again without the text of these rows, or of all; it stays as old as it was."""
    fresh, before = path.with_name(f".{path.name}.partial"), path.stat()
    raw = "''" if rows is None else "CASE WHEN list_contains($rows, row_number) THEN '' ELSE raw END"
    with duckdb.connect() as connection:
        DuckDBEngine(connection).export(
            f"SELECT row_number, reasons, {raw} AS raw FROM read_parquet({file_literal(path)}) ORDER BY row_number",
            {} if rows is None else {"rows": list(rows)},
            fresh,
        )
    fresh.chmod(before.st_mode & 0o777)
    os.utime(fresh, (before.st_atime, before.st_mtime))
    fsync(fresh)
    fresh.replace(path)
    fsync(path.parent)


def _written(settings: Settings, file_id: str, mapping: str) -> Path:
    reading = hashlib.sha256(mapping.encode()).hexdigest()[:8]
    return settings.home / QUARANTINE / f".{file_id}-{reading}.parquet"
