"""Quarantine: the rows that do not fit, as they came, one Parquet file per export. Nothing else holds their text.

The warehouse knows their numbers, reasons and count; raw text in it would stay in free blocks for ever. A file is
written, on disk for good, before the transaction that tells of it commits, and gets its name after that:

    data/quarantine/.<file id>-<reading>.parquet   written, and not told of yet
    data/quarantine/<export>-<file id>.parquet     told of by the ledger

Whoever dies in between leaves a hidden file, of which the ledger says whether its transaction was committed: `settle`
gives it its name or removes it.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from pipeline.durable import fsync
from pipeline.engines.duckdb import DuckDBEngine
from pipeline.places import QUARANTINE, quarantine_ending, quarantine_file
from pipeline.settings import Settings


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


def _written(settings: Settings, file_id: str, mapping: str) -> Path:
    reading = hashlib.sha256(mapping.encode()).hexdigest()[:8]
    return settings.home / QUARANTINE / f".{file_id}-{reading}.parquet"
