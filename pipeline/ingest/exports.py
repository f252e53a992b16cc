"""Exports: finds the files of a home and loads what is new; when a mapping changed, decides what is read again."""

from __future__ import annotations

import datetime as dt
import glob
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import duckdb
from sqlglot.errors import SqlglotError

from pipeline.engines.duckdb import DuckDBEngine
from pipeline.errors import ExportError
from pipeline.home.locks import HomeNotWritable
from pipeline.home.people import holds_persons, lost, people_attached, people_file, share_suppressed, sweep, told_lost
from pipeline.home.quarantine import settle
from pipeline.ingest.identity import use_key
from pipeline.ingest.linking import link_addresses, link_guests
from pipeline.ingest.load import (
    BESIDE_STAGING,
    Export,
    Loaded,
    Undecided,
    fixed_dialect,
    load_file,
    mapping_key,
    with_rates,
)
from pipeline.ingest.matching import tell_unknown_customers, tell_unknown_persons, tell_unknown_products
from pipeline.ingest.precedence import local_now, note_arrivals, place_of, shown_path
from pipeline.ingest.rates import FOLDER as RATES_FOLDER
from pipeline.ingest.rates import files_below, load_rates
from pipeline.ingest.readers.files import disk_is_full, require_name
from pipeline.ingest.readers.read import columns_of
from pipeline.ingest.recognise import Shown
from pipeline.ingest.requests import open_cases
from pipeline.ingest.sizes import limits_of
from pipeline.ingest.sources import Source, choose, find_sources, require_sources, require_sources_of_settings
from pipeline.ingest.tombstones import find_tombstones, note_cases, require_cases
from pipeline.places import is_left_alone
from pipeline.settings import Settings
from pipeline.tables.inputs import INPUTS


def find_exports(settings: Settings, given: Mapping[str, Sequence[str]]) -> list[Export]:
    """The files to load: those `given` as source -> paths or globs, else all in the drop folder.

    A source that maps several inputs is told by the columns of each file which it is (`recognise_input`).
    Raises ExportError for a source or file that does not exist; files are sorted, each once per source.
    """
    require_sources_of_settings(settings)
    found = given_files(given) if given else _dropped_files(settings.exports_folder)
    names = dict.fromkeys(name for name, _ in found)
    require_sources(settings.sources_folders, names)
    sources = find_sources(settings.sources_folders, names)
    chosen = {name: choose(sources, name) for name in names}
    exports = [Export(path, recognise_input(settings, path, chosen[name])) for name, path in found]
    each_once = {(export.source.label, export.path): export for export in exports}
    return [each_once[key] for key in sorted(each_once)]


def require_exports(settings: Settings, given: Mapping[str, Sequence[str]]) -> None:
    """What can be known at a glance before a run begins: whether there are the sources that are named.

    Raises ExportError.
    """
    require_sources_of_settings(settings)
    found = given_files(given) if given else _dropped_files(settings.exports_folder)
    require_sources(settings.sources_folders, dict.fromkeys(name for name, _ in found))


def load_exports(
    engine: DuckDBEngine, settings: Settings, exports: Iterable[Export], now: dt.datetime | None = None
) -> Iterator[Loaded | ExportError]:
    """Load what is new, file by file; a file that cannot be read at all comes back as the error that says why.

    Files that were never seen before arrive `now` (the shop's time; else what the clock says). Their order does not
    matter: which of two exports is the newer one, `precedence` knows of the files themselves.
    Raises ErasureKeyError before anything is read, and HomeNotWritable when the disk is full; the warehouse then has to
    be opened again.
    """
    exports = sorted(exports, key=_names_who_refuses, reverse=True)
    brings_persons = any(INPUTS[export.source.input].persons for export in exports)
    require_cases(engine, settings)
    note_cases(engine, settings)
    if not (people_file(settings).exists() or brings_persons or holds_persons(engine)):
        yield from _loaded(engine, settings, exports, now)
        return
    with people_attached(engine, settings):
        require_cases(engine, settings)
        note_cases(engine, settings)
        share_suppressed(engine)
        without_persons = list(lost(engine))
        yield from _loaded(engine, settings, exports, now, without_persons)
        sweep(engine)
        share_suppressed(engine)
        open_cases(engine, settings, (now or local_now(settings)).date())
        yield from _still_lost(engine)


def _names_who_refuses(export: Export) -> bool:
    """What names addresses that nothing is sent to is loaded first: then it is known whose they are before the rows of
    these customers give way to others.
    """
    return any(column.contact == "kind" for column in INPUTS[export.source.input].header.columns.values())


def _still_lost(engine: DuckDBEngine) -> Iterator[ExportError]:
    """The exports whose persons are lost and which were not there to be read again."""
    missing = lost(engine)
    listed = "SELECT file_id, path FROM ingest.files WHERE list_contains($lost, file_id) ORDER BY path"
    for file_id, path in engine.execute(listed, {"lost": list(missing)}):
        yield ExportError(told_lost([path], missing[file_id]))


def _loaded(
    engine: DuckDBEngine, settings: Settings, exports: Sequence[Export], now: dt.datetime | None,
    without_persons: Sequence[str] = (),
) -> Iterator[Loaded | ExportError]:  # fmt: skip
    settle(engine, settings)
    tombstones = find_tombstones(settings)
    id_key = use_key(engine, settings, [export.source for export in exports])
    identified: list[tuple[Export, str, str]] = []
    for export in exports:
        try:
            identified.append((export, *identify(export)))
        except ExportError as error:
            yield error
    arrived = [(file_id, place_of(settings, e.path), shown_path(settings, e.path)) for e, file_id, _ in identified]
    note_arrivals(engine, arrived, now or local_now(settings))
    rates = load_rates(engine, settings)
    _mark_stale(engine, settings, identified, rates, without_persons)
    undecided: list[tuple[Export, str, str]] = []
    shown: dict[str, Shown] = {}

    def load(one: tuple[Export, str, str], siblings: Shown | None = None) -> Loaded | ExportError | None:
        """What became of a file; None if its dialect is left to the others of its source, which come first."""
        export, file_id, sha256 = one
        try:
            return load_file(engine, settings, export, file_id, sha256, rates, id_key, siblings, tombstones)
        except Undecided as error:
            if siblings is not None:
                return error
            undecided.append(one)
            shown.setdefault(export.source.label, Shown()).add(error.shown)
        except ExportError as error:
            return error
        except SqlglotError as error:  # found when the columns of the source's SELECT were traced
            return export.source.explained(error)
        except (duckdb.Error, OSError) as error:
            if gone := _unreadable(export.path):
                return ExportError(f"{export.name} cannot be read: {gone}.")
            if not disk_is_full(error):
                raise
            # Not chained: the innermost cause is what a run tells its user.
            raise HomeNotWritable(
                f"{export.name} was not loaded: the disk of {settings.home} is full. What was loaded before is still "
                f"there. Make room, then run again; `perennial prune` removes old snapshots."
            ) from None
        return None

    for one in identified:
        if (outcome := load(one)) is not None:
            yield outcome
    for one in list(undecided):
        source = one[0].source
        told = shown_by_siblings(engine, source)
        told.add(shown[source.label])
        if (outcome := load(one, told)) is not None:
            yield outcome
    engine.execute("DROP TABLE IF EXISTS temp.rates")
    settle(engine, settings)
    link_guests(engine, settings)
    link_addresses(engine, settings)
    tell_unknown_products(engine)
    tell_unknown_customers(engine)
    tell_unknown_persons(engine)


def shown_by_siblings(engine: DuckDBEngine, source: Source) -> Shown:
    """What the loaded files of a source have shown of how they are written."""
    rows = engine.execute(
        "SELECT DISTINCT decimal, dates FROM ingest.files "
        "WHERE status = 'loaded' AND source = $source AND input = $input",
        {"source": source.name, "input": source.input},
    )
    return Shown({row[0] for row in rows if row[0]}, {row[1] for row in rows if row[1]})


# ── finding ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def given_files(given: Mapping[str, Sequence[str]]) -> list[tuple[str, Path]]:
    """(name of the source, file)."""
    found = []
    for name, patterns in given.items():
        for pattern in patterns:
            path = Path(pattern).expanduser()
            matches = [path] if path.is_file() else [Path(match) for match in glob.glob(str(path), recursive=True)]  # noqa: PTH207 - absolute patterns
            files = [match for match in matches if match.is_file()]
            if not files:
                raise ExportError(f"No file matches {pattern!r} (source {name}); looked from {Path.cwd()}.")
            found += [(name, file.resolve()) for file in files]
    return found


def _dropped_files(folder: Path) -> list[tuple[str, Path]]:
    """(name of the source, file)."""
    found = []
    for path in dropped_files(folder):
        inside = path.relative_to(folder)
        if len(inside.parts) == 1:
            raise ExportError(f"{path.name} lies directly in data/exports; put it in data/exports/<source>/.")
        found.append((inside.parts[0], path))
    return found


def dropped_files(folder: Path) -> list[Path]:
    """The exports of a drop folder."""
    found = []
    for path in files_below(folder):
        inside = path.relative_to(folder)
        if inside.parts[0] == RATES_FOLDER and len(inside.parts) > 1:
            continue  # exchange rates are no export
        if not is_left_alone(inside):
            found.append(path)
    return found


def recognise_input(settings: Settings, path: Path, sources: Sequence[Source]) -> Source:
    """Which input of a source a file is an export of: of those whose columns it has, the one that needs most of them.

    A file that lacks columns for each comes back as one of the input it comes closest to, so that loading it says what
    it lacks. Raises ExportError where two inputs fit equally well.
    """
    if len(sources) == 1:
        return sources[0]
    dialects = {source.input: fixed_dialect(settings, source) for source in sources}

    def is_header(cells: Sequence[str]) -> bool:
        return any(source.fit(cells)[0] for source in sources)

    try:
        columns = {
            dialect: columns_of(path, dialect, limits_of(settings), is_header) for dialect in set(dialects.values())
        }
    except ExportError:
        return sources[0]  # not to be read at all: loading says why
    scored = [(*source.fit(columns[dialects[source.input]]), source) for source in sources]
    best = max((lacks_nothing, needed) for lacks_nothing, needed, _ in scored)
    fitting = [source for *fit, source in scored if tuple(fit) == best]
    if len(fitting) > 1 and best[0]:
        folders = " or ".join(f"data/exports/{source.name}.{source.input}/" for source in fitting)
        raise ExportError(
            f"{path.name} has the columns of several inputs of source {fitting[0].name}: "
            f"{', '.join(source.input for source in fitting)}. Put it into {folders}, or name the input: "
            f"--source {fitting[0].name}.{fitting[0].input}=…"
        )
    return max(fitting, key=lambda source: len(source.present(columns[dialects[source.input]])))


def identify(export: Export) -> tuple[str, str]:
    """(file_id, sha256). A file is what it contains, mapped by one source; its name matters where that reads it."""
    require_name(export.path)
    try:
        with export.path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ExportError(f"{export.name} cannot be read: {error.strerror}.") from error
    identity = f"{sha256} {export.source.label}"
    if export.source.header.reads_name:
        identity += f" {export.path.parent.name}/{export.path.name}"
    return hashlib.sha256(identity.encode()).hexdigest()[:16], sha256


def _unreadable(path: Path) -> str | None:
    """Why a file that was there when the run began cannot be read any more; None if it can."""
    try:
        with path.open("rb"):
            return None
    except OSError as error:
        return error.strerror


def _mark_stale(
    engine: DuckDBEngine, settings: Settings, identified: Sequence[tuple[Export, str, str]], rates: str | None,
    without_persons: Sequence[str],
) -> None:  # fmt: skip
    """When a mapping changed, forget the files it maps, and have those read again, too, that lost rows to newer ones.

    The same of files whose persons are lost.

    A newer export may hold fewer orders now, and its old lines must not stand in the way of the older ones meanwhile.
    Those that are not at hand now are read again when they are.
    """
    ledger = dict(engine.execute("SELECT file_id, mapping FROM ingest.files WHERE status = 'loaded'"))
    changed: dict[str, list[str]] = {}
    for export, file_id, _ in identified:
        now = mapping_key(settings, export.source)
        if ledger.get(file_id, now) not in (now, with_rates(now, rates)) or file_id in without_persons:
            changed.setdefault(export.source.input, []).append(file_id)
    for input, file_ids in changed.items():
        forget_files(engine, input, file_ids)


def forget_files(engine: DuckDBEngine, input: str, file_ids: Sequence[str]) -> None:
    """Take out what was read of these files, as if they had never come, in one transaction.

    Files that gave rows up to newer ones are read again, too.
    """
    with engine.transaction():
        take_out_files(engine, input, file_ids)


def take_out_files(engine: DuckDBEngine, input: str, file_ids: Sequence[str]) -> None:
    """The same, inside a transaction of the caller's."""
    of_these = {"changed": list(file_ids)}
    staging = INPUTS[input].table.full_name
    engine.note_changes(staging, "list_contains($changed, file_id)", of_these)
    for table in (staging, *BESIDE_STAGING):
        engine.execute(f"DELETE FROM {table} WHERE list_contains($changed, file_id)", of_these)
    engine.execute(
        "UPDATE ingest.files SET mapping = 'stale' WHERE superseded > 0 AND input = $input", {"input": input}
    )
