"""Exports: finds the files of a home and loads what is new; when a mapping changed, decides what is read again."""

from __future__ import annotations

import datetime as dt
import glob
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import duckdb

from pipeline.engines.duckdb import DuckDBEngine
from pipeline.loading import TABLES_OF_A_FILE, Export, Load, Loaded, mapping_key, with_rates
from pipeline.locks import HomeNotWritable
from pipeline.rates import FOLDER as RATES_FOLDER
from pipeline.rates import load_rates
from pipeline.readers import disk_is_full
from pipeline.settings import Settings
from pipeline.sources import ExportError, Source, choose, find_sources


def find_exports(settings: Settings, given: Mapping[str, Sequence[str]]) -> list[Export]:
    """The files to load: those `given` as source -> paths or globs, else all in the drop folder.

    Raises ExportError for a source or file that does not exist; files are sorted, each once per source.
    """
    sources = find_sources(settings.sources_folders)
    found = _given_exports(sources, given) if given else _dropped_exports(sources, settings.exports_folder)
    each_once = {(export.source.name, export.path): export for export in found}
    return [each_once[key] for key in sorted(each_once)]


def load_exports(engine: DuckDBEngine, settings: Settings, exports: Iterable[Export]) -> Iterator[Loaded | ExportError]:
    """Load what is new, file by file; a file that cannot be read at all comes back as the error that says why.

    Order does not matter: an order belongs to the newest export that holds it, newest by (last order time, content).
    Raises HomeNotWritable when the disk is full; the warehouse then has to be opened again.
    """
    identified = [(export, *_identify(export)) for export in exports]
    rates = load_rates(engine, settings)
    _mark_stale(engine, settings, identified, rates)
    for export, file_id, sha256 in identified:
        try:
            yield Load(engine, settings, export, file_id, sha256, rates).run()
        except ExportError as error:
            yield error
        except (duckdb.Error, OSError) as error:
            if not disk_is_full(error):
                raise
            # Not chained: the innermost cause is what a run tells its user.
            raise HomeNotWritable(
                f"{export.name} was not loaded: the disk of {settings.home} is full. What was loaded before is still "
                f"there. Make room, then run again; `perennial prune` removes old snapshots."
            ) from None
    engine.execute("DROP TABLE IF EXISTS temp.rates")


# ── finding ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _given_exports(sources: dict[str, Source], given: Mapping[str, Sequence[str]]) -> Iterator[Export]:
    for name, patterns in given.items():
        source = choose(sources, name)
        for pattern in patterns:
            path = Path(pattern).expanduser()
            matches = [path] if path.is_file() else [Path(match) for match in glob.glob(str(path), recursive=True)]  # noqa: PTH207 - absolute patterns
            files = [match for match in matches if match.is_file()]
            if not files:
                raise ExportError(f"No file matches {pattern!r} (source {name}); looked from {Path.cwd()}.")
            yield from (Export(file.resolve(), source) for file in files)


def _dropped_exports(sources: dict[str, Source], folder: Path) -> Iterator[Export]:
    files = [path for path in folder.rglob("*") if path.is_file()] if folder.is_dir() else []
    for path in files:
        inside = path.relative_to(folder)
        if inside.parts[0] == RATES_FOLDER and len(inside.parts) > 1:
            continue  # exchange rates are no export
        if any(part.startswith((".", "_")) for part in inside.parts):
            continue  # editors, transfer clients and git leave such files
        if len(inside.parts) == 1:
            raise ExportError(f"{path.name} lies directly in data/exports; put it in data/exports/<source>/.")
        yield Export(path, choose(sources, inside.parts[0]))


def _identify(export: Export) -> tuple[str, str]:
    """(file_id, sha256). A file is what it contains, mapped by one source; where it lies does not matter."""
    try:
        with export.path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ExportError(f"{export.name} cannot be read: {error.strerror}.") from error
    return hashlib.sha256(f"{sha256} {export.source.name}".encode()).hexdigest()[:16], sha256


def _mark_stale(
    engine: DuckDBEngine, settings: Settings, identified: Sequence[tuple[Export, str, str]], rates: str | None
) -> None:
    """When a mapping changed, forget the files it maps, and have those read again, too, that lost orders to newer ones.

    A newer export may hold fewer orders now, and its old lines must not stand in the way of the older ones meanwhile.
    """
    ledger = dict(engine.execute("SELECT file_id, mapping FROM ingest.files WHERE status = 'loaded'"))
    changed = []
    for export, file_id, _ in identified:
        now = mapping_key(settings, export.source)
        if ledger.get(file_id, now) not in (now, with_rates(now, rates)):
            changed.append(file_id)
    if not changed:
        return
    with engine.transaction():
        engine.note_changes("staging.order_lines", "list_contains($changed, file_id)", {"changed": changed})
        for table in TABLES_OF_A_FILE:
            engine.execute(f"DELETE FROM {table} WHERE list_contains($changed, file_id)", {"changed": changed})
        engine.execute(
            "UPDATE ingest.files SET mapping = 'stale' WHERE superseded > 0 AND list_contains($present, file_id)",
            {"present": [file_id for _, file_id, _ in identified]},
        )


def last_order_date(engine: DuckDBEngine) -> dt.date | None:
    """The last local day with an order line: what `--snapshot latest` means."""
    day = engine.scalar("SELECT max(ordered_on) FROM staging.order_lines")
    return day if isinstance(day, dt.date) else None
