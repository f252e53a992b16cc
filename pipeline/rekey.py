"""Rekey: ids made from e-mail addresses again, with the home's key; for homes of before, and when a key is lost.

An id tells nothing of its address, so the exports have to be read again. What earlier snapshots hold are other ids than
those to come: their partitions leave the warehouse, so that no table compares across keys. What is published of them
stays until its time is over or its day is run again.

Once it has begun it is finished, whoever dies in between: the transaction that forgets the exports leaves a mark in the
warehouse, and only the rewritten file, which holds no old id any more, is without it. Whoever holds the home next, run
or rekey, goes on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass

import duckdb

from pipeline.engines.duckdb import DuckDBEngine, connect
from pipeline.errors import PerennialError
from pipeline.failures import explain_exception
from pipeline.home.locks import home_lock
from pipeline.home.migrations import migrate
from pipeline.home.modes import set_right
from pipeline.home.publishing import recover
from pipeline.home.retention import snapshots_of
from pipeline.home.rewriting import REKEY_MARK, finish_rekey, remove_raw_rows, remove_unfinished
from pipeline.ingest.exports import find_exports, identify, take_out_files
from pipeline.ingest.identity import IdKeyError, find_key, key_id, make_key, makes_ids, plain_files
from pipeline.ingest.sources import find_sources
from pipeline.settings import Settings
from pipeline.tables.catalog import catalog_of


class RekeyUnfinished(PerennialError):
    """It has begun and could not be finished, such as on a full disk; what comes next in this home goes on with it."""


@dataclass(frozen=True)
class Rekeying:
    """What has to be made again: files of the ledger, those of them that are not there, snapshots with other ids."""

    files: tuple[str, ...]
    missing: tuple[str, ...]
    snapshots: int
    makes_key: bool
    goes_on: bool = False
    """Whether an earlier one was stopped halfway, and is finished by this one."""

    def __str__(self) -> str:
        key = "a new key is made" if self.makes_key else "the key stays"
        files = "1 file is" if len(self.files) == 1 else f"{len(self.files):,} files are"
        days = "1 snapshot leaves" if self.snapshots == 1 else f"{self.snapshots:,} snapshots leave"
        return (
            f"{key}; {files} read again by the next run; {days} the warehouse (what is published of them stays, with "
            f"the old ids)"
        )


def rekey_home(
    settings: Settings, given: Mapping[str, Sequence[str]], forget_missing: bool = False, dry_run: bool = False
) -> Rekeying:
    """Look, and unless it is a dry run have all ids made again by the next run.

    Raises IdKeyError where exports that were loaded are not in the drop folder and not `given` (as source -> paths);
    with `forget_missing` their rows are given up. Raises HomeBusy, HomeNotWritable, ExportError, too.
    """
    with home_lock(settings.home, "rekey", settings.lock_wait_seconds):
        if not dry_run:
            recover(settings.home)
            remove_unfinished(settings)
            remove_raw_rows(settings)
        what = _rekey(settings, given, forget_missing, dry_run)
        if dry_run:
            return what
        try:
            if finish_rekey(settings):
                set_right(settings)
        except (OSError, duckdb.Error) as error:
            raise RekeyUnfinished(
                f"{explain_exception(error)} The rekey has begun; give the same command again, or run: either goes on."
            ) from error
    return what


def _rekey(settings: Settings, given: Mapping[str, Sequence[str]], forget_missing: bool, dry_run: bool) -> Rekeying:
    present = {identify(export)[0] for export in find_exports(settings, given)}
    try:
        key = find_key(settings)
    except IdKeyError:
        key = None  # one that cannot be used is replaced
    if not settings.warehouse_file.exists():
        return Rekeying((), (), 0, key is None)
    with closing(connect(settings.warehouse_file, settings, read_only=dry_run)) as connection:
        engine = DuckDBEngine(connection)
        if not dry_run:
            migrate(engine, settings)
            engine.prepare(settings, list(catalog_of(settings.home).tables.values()))
        files = _of_other_keys(engine, settings, key)
        missing = {file_id: path for file_id, (path, _) in files.items() if file_id not in present}
        goes_on = engine.is_table(REKEY_MARK)
        days = snapshots_of(settings, engine).rows_by_day() if files or goes_on else {}
        what = Rekeying(
            tuple(path for path, _ in files.values()), tuple(sorted(missing.values())), len(days), key is None, goes_on
        )
        if missing and not forget_missing:
            raise IdKeyError(
                f"{what}. But {len(missing):,} of these exports are gone: {', '.join(what.missing[:10])}. Put them "
                f"back into the drop folder, or name them with --source; --forget-missing gives their rows up."
            )
        if dry_run:
            return what
        if key is None:
            make_key(settings.home)
        if files:
            _begin(engine, files)
    return what


def _begin(engine: DuckDBEngine, files: Mapping[str, tuple[str, str]]) -> None:
    """Forget the files and leave the mark, in one transaction. What is before it can be begun again."""
    with engine.transaction():
        for input in sorted({input for _, input in files.values()}):
            take_out_files(engine, input, [file_id for file_id, of in files.items() if of[1] == input])
        engine.execute("DELETE FROM ingest.aliases")
        engine.execute(f"CREATE TABLE IF NOT EXISTS {REKEY_MARK} (begun BOOLEAN)")


def _of_other_keys(engine: DuckDBEngine, settings: Settings, key: bytes | None) -> dict[str, tuple[str, str]]:
    """file_id -> (path, input) of the files whose ids are not made with the key."""
    sources = [source for source in find_sources(settings.sources_folders).values() if makes_ids(source)]
    has_ids = "SELECT count(*) FROM duckdb_columns() WHERE table_name = 'files' AND column_name = 'id_key'"
    if not engine.scalar(has_ids):  # a dry run on a home of before
        known = {(source.name, source.input) for source in sources}
        rows = engine.execute("SELECT file_id, path, input, source FROM ingest.files ORDER BY path")
        return {file_id: (path, input) for file_id, path, input, source in rows if (source, input) in known}
    plain = plain_files(engine, sources)
    rows = engine.execute(
        "SELECT file_id, path, input FROM ingest.files WHERE list_contains($plain, file_id) "
        "OR (id_key IS NOT NULL AND id_key IS DISTINCT FROM $now) ORDER BY path",
        {"plain": plain, "now": key_id(key) if key else None},
    )
    return {file_id: (path, input) for file_id, path, input in rows}
