"""Doctor: looks at a home and says what is wrong and what to do; and reads the summary of a run. Changes nothing but
what an interrupted publication left half done."""

from __future__ import annotations

import datetime as dt
import os
import platform
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from importlib.metadata import requires, version
from pathlib import Path
from typing import Literal

import duckdb
import polars as pl
from packaging.requirements import Requirement

from pipeline.activation.ledger import FILE as DELIVERIES
from pipeline.activation.ledger import LedgerUnusable, OutboxUnusable, is_kept, require_ledger, require_newest
from pipeline.activation.outputs import tables_published
from pipeline.engines.duckdb import DuckDBEngine
from pipeline.engines.engine import Snapshots
from pipeline.engines.partitions import Partitions
from pipeline.erasure.cases import deadlines
from pipeline.erasure.objections import objections_of
from pipeline.errors import ExportError, PerennialError
from pipeline.home.locks import HomeBusy, HomeNotWritable, holder, home_lock
from pipeline.home.migrations import VERSION, require_known
from pipeline.home.modes import wrong
from pipeline.home.opening import opened
from pipeline.home.people import (
    FILE,
    PeopleLost,
    PeopleUnusable,
    holds_persons,
    people_at_hand,
    people_attached,
    people_file,
)
from pipeline.home.publishing import STAGING, recover
from pipeline.home.retention import plan, snapshots_of
from pipeline.ingest.exports import find_exports
from pipeline.ingest.identity import IdKeyError, find_key, key_file, key_id
from pipeline.ingest.rates import require_rates
from pipeline.ingest.readers.files import disk_is_full
from pipeline.ingest.sources import find_sources, require_sources_of_settings
from pipeline.ingest.tombstones import ErasureKeyError, find_tombstones, require_cases
from pipeline.places import PUBLISHED_VIEWS, published_days
from pipeline.reporting.attention import WorthALook, of_files, worth_a_look
from pipeline.reporting.digest import report_of
from pipeline.reporting.week import Answer, Week
from pipeline.settings import SETTINGS_FILE, Settings, SettingsError, load
from pipeline.shapes import counted
from pipeline.shipped import is_wheel
from pipeline.tables.audiences import on_terms
from pipeline.tables.catalog import catalog_of, ours
from pipeline.tables.header import HeaderError
from pipeline.tables.inputs import ORDERS, switched_off

_NO_PATH = re.compile(r"\?|\\|%[0-9A-Fa-f]{2}")
"""What SQLite's addresses and DuckDB's files would take for something else."""
LEAST_FREE_BYTES = 2 * 2**30
STOPS_A_RUN_BYTES = 16 * 2**20
_FULL = "is full. Make room, then run again; `perennial prune` removes old snapshots."


class NoHome(PerennialError):
    """Where a home was named is none; the message says what is there and what to do."""


@dataclass(frozen=True)
class Finding:
    """One thing looked at."""

    status: Literal["ok", "warn", "fail"]
    subject: str
    message: str


@dataclass(frozen=True)
class Summary:
    """What a run has to tell at its end."""

    files: list[tuple[str, int, int, int, int, int]]
    segments: list[tuple[str, int]]
    switched_off: list[str]
    worth_a_look: list[WorthALook]
    answers: list[Answer]


def examine(home: Path | None) -> list[Finding]:
    """All findings about a home; the first failing settings end it, since nothing else can be trusted then."""
    try:
        settings = load(home)
        require_home(settings)
    except SettingsError as error:
        return [Finding("fail", "settings", str(error))]
    except NoHome as error:
        return [Finding("fail", "home", str(error))]
    findings = [Finding("ok", "settings", f"home {settings.home}, {settings.timezone}, {settings.currency}")]
    parts: tuple[Callable[[Settings], Iterator[Finding]], ...] = (
        _versions, _engine, _folders, _modes, _id_key, _erasures, _lock_and_publication, _published, _sources, _own_sql,
        _exports, _warehouse
    )  # fmt: skip
    for part in parts:
        findings.extend(part(settings))
    return findings


def require_home(settings: Settings, may_be_new: bool = False) -> None:
    """Raises NoHome, before anything is made, where no home is: a folder with perennial.toml or data/ in it.

    One that `may_be_new` may also be a folder without them, or none yet.
    """
    home = settings.home
    if odd := _NO_PATH.search(str(home)):
        raise NoHome(
            f"{home} cannot be a home: {odd[0]} in a path means something else to the databases in it. Rename the "
            f"folder."
        )
    try:
        if home.exists() and not home.is_dir():
            raise NoHome(f"{home} is a file. A home is a folder: name it with --home.")
        is_home = (home / SETTINGS_FILE).is_file() or (home / "data").is_dir()
    except OSError as error:
        raise NoHome(f"{home} cannot be looked into: {error.strerror}. Name another folder with --home.") from error
    if is_home or may_be_new:
        return
    what = f"holds neither {SETTINGS_FILE} nor a folder data/" if home.exists() else "is not there"
    raise NoHome(
        f"There is no home: {home} {what}. Name the shop's folder with --home; the first `perennial run --source …` or "
        f"a {SETTINGS_FILE} makes a folder one."
    )


def require_usable(settings: Settings) -> None:
    """What stops any run at once, asked before one begins: a home that cannot be written, a disk without room.

    Raises HomeNotWritable with the words of `doctor`.
    """
    for finding in _folders(settings):
        if finding.status == "fail":
            raise HomeNotWritable(f"The {finding.subject} {finding.message} ({settings.home})")


def read_summary(settings: Settings, day: dt.date) -> Summary:
    """What the run of `day` has to tell; waits for a run that has taken the home since. Raises HomeBusy."""
    with home_lock(settings.home, f"summary-{os.getpid()}", settings.lock_wait_seconds):
        return _read_summary(settings, day)


def _read_summary(settings: Settings, day: dt.date) -> Summary:
    with opened(settings, read_only=True) as connection:
        engine = DuckDBEngine(connection)
        files = engine.execute(
            "SELECT path, rows_read, accepted, quarantined, superseded, duplicates FROM ingest.files ORDER BY path"
        )
        missing = _switched_off(engine)
        attention = _looks(engine, day)
        segments = engine.execute(
            """
            WITH labels AS (
              SELECT DISTINCT segment, label, segment_rank FROM marts.segment_catalogue
              WHERE snapshot_date = $snapshot_date AND catalogue = $catalogue
            ),
            sizes AS (
              SELECT segment, count(*) AS customers FROM marts.rfm_segments
              WHERE snapshot_date = $snapshot_date AND catalogue = $catalogue GROUP BY segment
            )
            SELECT label, coalesce(customers, 0) FROM labels LEFT JOIN sizes USING (segment) ORDER BY segment_rank
            """,
            {"snapshot_date": day, "catalogue": settings.catalogue},
        )
        answers = Week(report_of(engine.read, settings, day)).answers
    return Summary([tuple(row) for row in files], [tuple(row) for row in segments], missing, attention, answers)


def _looks(engine: DuckDBEngine, day: dt.date | None) -> list[WorthALook]:
    """What the report of a day lists; before there is one, what is known of the files."""

    def ask(sql: str) -> pl.DataFrame:
        return engine.read(sql, {"snapshot_date": day})

    return of_files(ask) if day is None else worth_a_look(ask, day)


def _switched_off(engine: DuckDBEngine) -> list[str]:
    return switched_off({row[0] for row in engine.execute("SELECT input FROM ingest.files WHERE status = 'loaded'")})


def _engine(settings: Settings) -> Iterator[Finding]:
    """Where SQL runs, and whether that can be reached from here."""
    if settings.engine == "duckdb":
        yield Finding("ok", "engine", "DuckDB, in this process")
        return
    from pipeline.engines.spark.session import SparkUnavailable, require_available, shown_address

    try:
        require_available(settings)
    except SparkUnavailable as error:
        yield Finding("fail", "engine", str(error))
        return
    place = shown_address(settings.spark.remote) if settings.spark.remote else settings.spark.master
    yield Finding("ok", "engine", f"Spark, {place}")


def _versions(settings: Settings) -> Iterator[Finding]:
    wrong = []
    for text in requires("perennial") or []:
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate():
            installed = version(requirement.name)
            if not requirement.specifier.contains(installed, prereleases=True):
                wrong.append(f"{requirement.name} {installed} (needs {requirement.specifier})")
    if wrong:
        yield Finding("fail", "versions", f"{', '.join(wrong)}. {_again()}.")
    else:
        python = platform.python_version()
        yield Finding("ok", "versions", f"Python {python}, dagster {version('dagster')}, duckdb {version('duckdb')}")


def _again() -> str:
    if is_wheel():
        return "Install them: python -m pip install --upgrade perennial"
    return "Install what requirements.lock names: make clean setup"


def _folders(settings: Settings) -> Iterator[Finding]:
    try:
        for folder in (settings.home / name for name in (".perennial", ".dagster")):
            folder.mkdir(parents=True, exist_ok=True)
            probe = folder / ".doctor"
            probe.write_text("written")
            probe.unlink()
    except OSError as error:
        if disk_is_full(error):
            yield Finding("fail", "disk", _FULL)
            return
        yield Finding(
            "fail", "home", f"cannot be written: {error.strerror}. Change its owner, or choose another --home."
        )
        return
    free = shutil.disk_usage(settings.home).free
    if free < STOPS_A_RUN_BYTES:
        yield Finding("fail", "disk", _FULL)
        return
    used = settings.warehouse_file.stat().st_size if settings.warehouse_file.exists() else 0
    status: Literal["ok", "warn"] = "warn" if free < max(LEAST_FREE_BYTES, 3 * used) else "ok"
    advice = " Free some: a run needs about three times the warehouse." if status == "warn" else ""
    yield Finding(status, "disk", f"{free / 2**30:.1f} GiB free, the warehouse takes {used / 2**20:.0f} MiB.{advice}")


def _modes(settings: Settings) -> Iterator[Finding]:
    """Who may open what."""
    readers = "its owner and what is published for its group" if settings.share == "group" else "its owner alone"
    found = wrong(settings)
    if not found:
        yield Finding("ok", "access", f"the home is for {readers}")
        return
    strange = [path for path in found if path.lstat().st_uid != os.geteuid()]
    remedy = "The next run sets them right."
    if strange:
        remedy = (
            f"Of another user: {len(strange):,}, such as {strange[0]}. Change the owner (chown), or run as that user; "
            f"the next run sets the others right."
        )
    yield Finding(
        "warn", "access",
        f"{counted(len(found), 'path')} with other modes than a home for {readers}, such as {found[0]}. {remedy}",
    )  # fmt: skip


def _id_key(settings: Settings) -> Iterator[Finding]:
    """Where the key of the ids lies that are made from e-mail addresses."""
    try:
        key = find_key(settings)
    except IdKeyError as error:
        yield Finding("fail", "id key", str(error))
        return
    where = "PERENNIAL_ID_KEY" if settings.id_key is not None else str(key_file(settings.home))
    if key is None:
        yield Finding("ok", "id key", "none yet; the first export with e-mail addresses makes it")
    else:
        yield Finding("ok", "id key", f"{key_id(key)}, from {where}; back it up, without it customers are new people")


def _erasures(settings: Settings) -> Iterator[Finding]:
    """Who asked to be forgotten and is not yet, and whether the time that the law gives is over."""
    try:
        find_tombstones(settings)
        waiting = deadlines(settings)
    except ErasureKeyError as error:
        yield Finding("fail", "erasures", str(error))
        return
    today = settings.today()
    overdue = [one for one in waiting if one.is_overdue(today)]
    if overdue:
        named = ", ".join(f"{one.case} (due on {one.due_on})" for one in overdue[:3])
        yield Finding(
            "warn", "erasures",
            f"{counted(len(overdue), 'case')} overdue, such as {named}: a month is given to forget who asks for it. "
            f"`perennial forget --open` works through all that is open.",
        )  # fmt: skip
    elif waiting:
        first = waiting[0].due_on
        yield Finding(
            "ok", "erasures", f"{counted(len(waiting), 'case')} open, the first is due on {first}: perennial forget"
        )


def _lock_and_publication(settings: Settings) -> Iterator[Finding]:
    user = holder(settings.home)
    if user is not None:
        yield Finding("ok", "lock", f"{user.is_using(settings.home)}.")
        return
    yield Finding("ok", "lock", "free")
    staging = settings.home / STAGING
    if not (staging.is_dir() and any(staging.iterdir())):
        return
    try:
        with home_lock(settings.home, "doctor", 0):
            for sentence in recover(settings.home):
                yield Finding("warn", "publication", sentence)
    except HomeBusy:
        return
    except Exception as error:
        yield Finding("fail", "publication", str(error))


def _published(settings: Settings) -> Iterator[Finding]:
    """Whether what was published last is there, and begins as such files do."""
    days = published_days(settings.home)
    if not days:
        return
    tables, begin = tables_published(settings.home, days[-1]), {".parquet": (0, b"PAR1"), ".duckdb": (8, b"DUCK")}
    gone = [path for path in (*tables, PUBLISHED_VIEWS) if not _begins(settings.home / path, *begin[Path(path).suffix])]
    if gone:
        are = f"file of {days[-1]} is" if len(gone) == 1 else f"files of {days[-1]} are"
        again = f"run again with --snapshot {days[-1]}"
        yield Finding("fail", "published", f"{len(gone):,} {are} gone or damaged, such as {gone[0]}: {again}.")
    else:
        yield Finding("ok", "published", f"{counted(len(tables), 'table')} and audiences of {days[-1]}")


def _begins(file: Path, at: int, magic: bytes) -> bool:
    try:
        with file.open("rb") as opened:
            return opened.read(at + len(magic))[at:] == magic
    except OSError:
        return False


def _sources(settings: Settings) -> Iterator[Finding]:
    try:
        sources = find_sources(settings.sources_folders)
        require_sources_of_settings(settings)
    except (HeaderError, ExportError) as error:
        yield Finding("fail", "sources", str(error))
        return
    yield Finding("ok", "sources", ", ".join(sorted(sources)))


def _own_sql(settings: Settings) -> Iterator[Finding]:
    """What the home adds to our tables and audiences, if it does."""
    try:
        catalog = catalog_of(settings.home)
        on_terms(catalog.audiences, settings.deliver)
    except HeaderError as error:
        yield Finding("fail", "own SQL", str(error))
        return
    tables, audiences = (len(catalog.tables) - len(ours().tables), len(catalog.audiences) - len(ours().audiences))
    if tables or audiences:
        added = f"{counted(tables, 'table')} and {counted(audiences, 'audience')}"
        yield Finding("ok", "own SQL", f"{added} in {settings.home}")


def _exports(settings: Settings) -> Iterator[Finding]:
    try:
        exports = find_exports(settings, {})
        require_rates(settings)
    except (HeaderError, ExportError) as error:
        yield Finding("fail", "exports", str(error))
        return
    where = f"{settings.exports_folder}/<source>/"
    if exports:
        yield Finding("ok", "exports", f"{counted(len(exports), 'file')} in {where}")
    else:
        yield Finding("ok", "exports", f"none in {where}; runs need --source, or files there")


def _warehouse(settings: Settings) -> Iterator[Finding]:
    if not settings.warehouse_file.exists():
        yield Finding("ok", "warehouse", "none yet; the first run makes it")
        return
    if holder(settings.home) is not None:
        yield Finding("ok", "warehouse", "in use by the run named above")
        return
    try:
        with opened(settings, read_only=True, wait_seconds=0) as connection:
            yield from _in_warehouse(settings, DuckDBEngine(connection))
    except PerennialError as error:
        yield Finding("fail", "warehouse", str(error))
    except duckdb.Error as error:
        from pipeline.failures import of_the_machine  # with it comes Dagster

        first = str(error).splitlines()[0]
        yield Finding("fail", "warehouse", of_the_machine(str(error)) or f"cannot be opened: {first}")


def _in_warehouse(settings: Settings, engine: DuckDBEngine) -> Iterator[Finding]:
    behind = VERSION - require_known(engine)
    snapshots = snapshots_of(settings, engine)
    yield from _begun_cases(settings, engine)
    if not engine.has("marts.rfm_scores"):
        yield Finding("ok", "warehouse", "no tables yet; the first run that is not refused makes them")
        return
    if behind or (settings.engine == "duckdb" and engine.is_behind(catalog_of(settings.home).tables.values())):
        yield Finding("ok", "warehouse", "written by an earlier version; the next run upgrades it")
        return
    yield from _people(settings, engine)
    yield from _deliveries(settings)
    yield from _objections(settings, engine)
    yield from _contents(engine)
    yield from _future_dates(engine, settings.today())
    yield from _retention(settings, snapshots)


def _begun_cases(settings: Settings, engine: DuckDBEngine) -> Iterator[Finding]:
    """Whether the files of all cases are there that the warehouse or the people's file notes."""
    there = people_file(settings).exists()
    try:
        require_cases(engine, settings)
        with people_attached(engine, settings, read_only=True) if there else nullcontext():
            require_cases(engine, settings)
    except ErasureKeyError as error:
        yield Finding("fail", "erasures", str(error))
    except PeopleUnusable:
        return  # which is told of them


def _people(settings: Settings, engine: DuckDBEngine) -> Iterator[Finding]:
    """Whether it is known of everybody in the warehouse who they are, and so who must not be written to."""
    if not (people_file(settings).exists() or holds_persons(engine)):
        return
    try:
        with people_at_hand(engine, settings, read_only=True):
            yield Finding("ok", "people", f"whole, in {FILE}; back it up with the warehouse")
            require_newest(engine, settings)
    except (PeopleLost, PeopleUnusable) as error:
        yield Finding("fail", "people", str(error))
    except LedgerUnusable as error:
        yield Finding("fail", "deliveries", str(error))


def _deliveries(settings: Settings) -> Iterator[Finding]:
    """Whether it is known who is on which list, where anything is delivered."""
    if not is_kept(settings):
        return
    try:
        require_ledger(settings)
        yield Finding("ok", "deliveries", f"{DELIVERIES} and outbox are there; back them up with the people")
    except (LedgerUnusable, OutboxUnusable) as error:
        yield Finding("fail", "deliveries", str(error))


def _objections(settings: Settings, engine: DuckDBEngine) -> Iterator[Finding]:
    """Who objected and is still on a list elsewhere, after the time that the law gives."""
    try:
        found = objections_of(settings, engine)
    except (LedgerUnusable, OutboxUnusable):
        return  # told of by `_deliveries`
    today = settings.today()
    overdue = [one for one in found if one.is_overdue(today)]
    sent = sum(bool(one.still_on) for one in overdue)
    if overdue:
        yield Finding(
            "warn", "objections",
            f"{counted(len(overdue), 'objection')} overdue: {sent:,} of customers who are still on a list elsewhere "
            f"(`perennial deliver` takes them off), {len(overdue) - sent:,} of ids that no customer has. `perennial "
            f"objections` lists them.",
        )  # fmt: skip
    elif found:
        yield Finding("ok", "objections", f"{counted(len(found), 'customer')} objected, none is overdue")


def _retention(settings: Settings, where: Snapshots) -> Iterator[Finding]:
    """What the next night, or `perennial prune`, takes away."""
    what = plan(settings, where)
    are_kept = f"{counted(len(what.kept), 'snapshot')} {'is' if len(what.kept) == 1 else 'are'} kept"
    kept = f"{are_kept} (keep_daily {settings.keep_daily}, keep_monthly {settings.keep_monthly})"
    frees = f"`perennial prune` would remove {what}" if what else str(what)
    yield Finding("ok", "retention", f"{kept}; {frees}.")


def _future_dates(engine: DuckDBEngine, today: dt.date) -> Iterator[Finding]:
    """An export with an order dated after today: a typo, most likely, and until that day the order counts nowhere."""
    rows = engine.execute(
        "SELECT path, CAST(last_ordered_at AS DATE) FROM ingest.files "
        "WHERE CAST(last_ordered_at AS DATE) > $today ORDER BY path",
        {"today": today},
    )
    for path, day in rows:
        yield Finding(
            "warn", "ledger",
            f"{path} holds an order dated {day}, after today. No snapshot before that day counts it; if the date is a "
            f"typo, correct it in the shop and export the order again.",
        )  # fmt: skip


def _contents(engine: DuckDBEngine) -> Iterator[Finding]:
    days = Partitions(engine.execute).days("marts.rfm_scores")
    span = (
        f"{counted(len(days), 'snapshot')}, {' … '.join(dict.fromkeys(map(str, (days[0], days[-1]))))}"
        if days
        else "no snapshot yet"
    )
    yield Finding("ok", "warehouse", span)
    if missing := _switched_off(engine):
        yield Finding("ok", "inputs", f"switched off: {', '.join(missing)}")
    for look in _looks(engine, days[-1] if days else None):
        yield Finding("warn" if look.is_warning else "ok", "worth a look", f"{look.about}: {look.sentence}")
    rejected = engine.execute("SELECT path FROM ingest.files WHERE status = 'rejected' ORDER BY path")
    if rejected:
        names = ", ".join(row[0] for row in rejected)
        yield Finding(
            "warn", "ledger", f"rejected files: {names}. Look into data/quarantine, fix the export, run again."
        )
    sources = [
        row[0]
        for row in engine.execute(
            "SELECT DISTINCT source FROM ingest.files WHERE input = $input ORDER BY source", {"input": ORDERS}
        )
    ]
    if len(sources) > 1:
        yield Finding(
            "warn", "ledger",
            f"orders of several sources meet in this home: {', '.join(sources)}. "
            f"That is right if they are one shop; different shops need a home each.",
        )  # fmt: skip
