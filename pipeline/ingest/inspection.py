"""Inspection: what a file is, how it would be read, and what would become of its rows. Changes nothing in the home.

The file is really loaded, by the same code as in a run, into a warehouse that exists for the length of the inspection.
For a layout that no source knows, a first source is written from the names of its columns.
"""

from __future__ import annotations

import csv
import datetime as dt
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from pipeline.dialect import Dialect
from pipeline.engines.duckdb import DuckDBEngine, confine, open_file
from pipeline.errors import ExportError
from pipeline.ingest.exports import load_exports, recognise_input
from pipeline.ingest.guessing import ALONE, NAMES, Profile, guess_columns, lacking, profile_of, write_source
from pipeline.ingest.load import Export, Loaded, fixed_dialect
from pipeline.ingest.load.record import what_to_set
from pipeline.ingest.rates import rates_files
from pipeline.ingest.readers.files import format_of
from pipeline.ingest.readers.read import read_raw
from pipeline.ingest.readers.workbooks import sheets_of
from pipeline.ingest.sizes import limits_of
from pipeline.ingest.sources import Source, choose, find_sources, looks_like_data, read_source
from pipeline.settings import Settings
from pipeline.shapes import counted, one_line, shown_names, without_shape_sql
from pipeline.tables.catalog import tables
from pipeline.tables.header import HeaderError
from pipeline.tables.inputs import INPUTS, ORDERS, input_tables

_TABLES = (
    *(name for name, table in tables().items() if table.schema == "ingest"),
    *(table.full_name for table in input_tables()),
)
_SAMPLE_LINES = 5
_TOP_REASONS = 5


@dataclass(frozen=True)
class Candidate:
    """A source, and how well the columns of the file fit it. `lacks` is empty for one that can read the file."""

    source: Source
    matched: int
    lacks: str = ""


@dataclass(frozen=True)
class Reason:
    """Why rows would be quarantined: in words, how many rows, and the first of them."""

    text: str
    rows: int
    first_row: int


@dataclass(frozen=True)
class Figures:
    """What the orders of a file come to: so few customers, or so much revenue, catch the eye where columns do not."""

    customers: int
    orders: int
    revenue: Decimal


@dataclass(frozen=True)
class Inspection:
    """What was found out about a file. `problem` says why it cannot be used, None if it can."""

    file: str
    format: str
    columns: list[str] = field(default_factory=list)
    dialect: str = ""
    source: Source | None = None
    candidates: list[Candidate] = field(default_factory=list)
    loaded: Loaded | None = None
    sample: list[dict[str, Any]] = field(default_factory=list)
    reasons: list[Reason] = field(default_factory=list)
    """The most frequent ones."""
    other_reasons: int = 0
    """How many more there are."""
    span: tuple[dt.datetime, dt.datetime] | None = None
    figures: Figures | None = None
    guessed: dict[str, str] = field(default_factory=dict)
    written: Path | None = None
    warning: str | None = None
    problem: str | None = None
    note: str | None = None
    """What was asked for and not done."""

    @property
    def is_usable(self) -> bool:
        return self.problem is None


def inspect(path: Path, settings: Settings, source: str | None = None, write_to: Path | None = None) -> Inspection:
    """Look at a file: as one of `source`, else as one of the source that fits best.

    `write_to`: a folder for a first source, if none fits; it is written as <folder>/<name of the file>/order_lines.sql.
    """
    name, shown = one_line(path.name), "unknown"
    try:
        format, compression = format_of(path)
        shown = format if compression == "none" else f"{format}, {compression}"
        if not path.is_file():
            return Inspection(name, shown, problem=f"There is no file {path}.")
        with _workshop(settings, path.resolve()) as (engine, aside):
            sources = find_sources(settings.sources_folders)
            found = _inspect(engine, aside, sources, path.resolve(), shown, source, write_to)
            found = _judged(found, settings)
    except (ExportError, HeaderError) as error:
        found = Inspection(name, shown, problem=str(error))
    if write_to is not None and found.written is None and found.source is not None:
        reads = "was named" if source else "knows this layout"
        found = _with(found, note=f"No source is written: {found.source.label} {reads}.")
    if found.problem is not None and shown == "xlsx" and len(sheets := sheets_of(path)) > 1:
        found = _with(
            found,
            problem=f"{found.problem} The workbook has the sheets {shown_names(sheets)}; the first is read unless "
            f'another is named: sheet = "…" below [dialects.<source>] in perennial.toml.',
        )
    return found


def tried(source: Source, settings: Settings) -> ExportError | None:
    """What a run would say of the SELECT of a source of tables: it is tried on a row of cells that cannot be read."""
    if source.header.reads != "table":
        return None
    with tempfile.TemporaryDirectory(prefix="perennial-try-") as folder:
        file = Path(folder) / "export.csv"
        with file.open("w", encoding="utf-8", newline="") as written:
            csv.writer(written).writerows([list(source.header.raw), ["?"] * len(source.header.raw)])
        own = settings.model_copy(update={"dialects": {}, "exported_at": {}})
        with _workshop(own, file) as (engine, aside):
            (outcome,) = load_exports(engine, aside, [Export(file, source)])
    return outcome if isinstance(outcome, ExportError) else None


def _inspect(
    engine: DuckDBEngine, settings: Settings, sources: Mapping[str, Source], path: Path, shown: str, name: str | None,
    write_to: Path | None,
) -> Inspection:  # fmt: skip
    if name is not None:
        source = recognise_input(settings, path, choose(sources, name))
        columns, dialect, _ = _columns(engine, settings, path, fixed_dialect(settings, source).sheet)
        found = Inspection(one_line(path.name), shown, columns, str(dialect))
        found = _with(found, candidates=_candidates(sources, columns, path.name))
        return _loaded(engine, settings, path, found, source)
    looks = []
    for sheet, of_sheet in _by_sheet(settings, sources, path, shown).items():
        columns, dialect, profile = _columns(engine, settings, path, sheet)
        candidates = _candidates(of_sheet, columns, path.name)
        found = Inspection(one_line(path.name), shown, columns, str(dialect), candidates=candidates)
        looks.append((found, profile, sheet))
        fitting = [candidate.source for candidate in candidates if not candidate.lacks]
        if fitting:
            return _loaded(engine, settings, path, found, fitting[0])
    found, profile, sheet = looks[0]
    for source in sources.values():  # a table of aligned text has no columns to be known by, only lines that fit
        if source.header.reads == "lines" and len(found.columns) == 1:
            attempt = _loaded(engine, settings, path, found, source)
            if attempt.loaded and attempt.loaded.accepted:
                return attempt
    return _guessed(engine, settings, path, found, profile, sheet, write_to)


def _by_sheet(
    settings: Settings, sources: Mapping[str, Source], path: Path, shown: str
) -> dict[str | None, dict[str, Source]]:
    """Sheet to look at -> the sources that would read it: those that settings name and the workbook has, then the first
    (None). Of other files all sources read the same."""
    if shown != "xlsx":
        return {None: dict(sources)}
    of_sheets: dict[str | None, dict[str, Source]] = {
        sheet: {} for dialect in settings.dialects.values() if (sheet := dialect.sheet)
    }
    for label, source in sources.items():
        of_sheets.setdefault(fixed_dialect(settings, source).sheet, {})[label] = source
    there, first = sheets_of(path), of_sheets.pop(None, {})
    named: dict[str | None, dict[str, Source]] = {
        sheet: of_sheet for sheet, of_sheet in of_sheets.items() if sheet in there
    }
    return named if named and not first else {**named, None: first}


@contextmanager
def _workshop(settings: Settings, file: Path) -> Iterator[tuple[DuckDBEngine, Settings]]:
    """A warehouse in a folder of its own that is gone afterwards, and the settings of the home for it."""
    with tempfile.TemporaryDirectory(prefix="perennial-inspect-") as folder:
        rates = rates_files(settings)
        aside = settings.model_copy(update={"home": Path(folder), "quarantine_limit": 1.0, "rates_file": None})
        if rates:
            aside = aside.model_copy(update={"rates_file": settings.rates_file or rates[0].parent})
        connection = open_file(aside.warehouse_file, aside)
        try:
            confine(connection, aside, [file])
            engine = DuckDBEngine(connection)
            engine.prepare(aside, [tables()[name] for name in _TABLES])
            yield engine, aside
        finally:
            connection.close()


def _columns(
    engine: DuckDBEngine, settings: Settings, path: Path, sheet: str | None
) -> tuple[list[str], Dialect, Profile]:
    """The columns of the file, how it is written, and what each column looks like (number, date, constant …)."""
    dialect = Dialect(sheet=sheet)
    file = read_raw(engine, path, dialect=dialect, scratch=settings.warehouse_file.parent, limits=limits_of(settings))
    return file.columns, file.dialect, profile_of(engine, file.columns)


def _candidates(sources: Mapping[str, Source], columns: Sequence[str], file: str) -> list[Candidate]:
    """Sources of tables, the best first: those that lack nothing, then by how many columns they know."""
    found = []
    for source in sources.values():
        if source.header.reads == "lines" or source.is_foreign(columns):
            continue
        matched = len(source.present(columns))
        try:
            source.resolve(columns, file)
            lacks = ""
        except ExportError as error:
            lacks = str(error).split(" It has ")[0].removeprefix(f"{file} is no export of source {source.label}: it ")
        found.append(Candidate(source, matched, lacks))
    return sorted(found, key=lambda one: (bool(one.lacks), -one.matched, one.source.label))


def _loaded(
    engine: DuckDBEngine, settings: Settings, path: Path, found: Inspection, source: Source, **more: Any
) -> Inspection:
    """Load the file as a run would, and look at what has become of it."""
    for table in _TABLES:
        engine.execute(f"DELETE FROM {table}")
    (outcome,) = load_exports(engine, settings, [Export(path, source)])
    if isinstance(outcome, ExportError):
        return _with(found, source=source, problem=str(outcome), **more)
    input = INPUTS[source.input]
    staging, order = input.table.full_name, ", ".join(["row_number", *(f"{name} DESC" for name in input.line_of_row)])
    lines = engine.read(f"SELECT * FROM {staging} ORDER BY {order} LIMIT {_SAMPLE_LINES}")
    sample = [{name: value for name, value in row.items() if value is not None} for row in lines.to_dicts()]
    first, last = engine.execute(f"SELECT min({input.moment}), max({input.moment}) FROM {staging}")[0]
    reasons = _reasons(engine)
    return _with(
        found, source=source, dialect=outcome.dialect, loaded=outcome, sample=sample, reasons=reasons[:_TOP_REASONS],
        other_reasons=len(reasons[_TOP_REASONS:]), span=(first, last) if first else None,
        figures=_figures(engine, source), warning=_warning(input.moment, last, settings), **more,
    )  # fmt: skip


def _figures(engine: DuckDBEngine, source: Source) -> Figures | None:
    if source.input != ORDERS:
        return None
    return Figures(
        *engine.execute(
            "SELECT count(DISTINCT customer_id), count(DISTINCT order_id), coalesce(sum(amount), 0) "
            "FROM staging.order_lines"
        )[0]
    )


def _with(found: Inspection, **values: Any) -> Inspection:
    return Inspection(**{**{name: getattr(found, name) for name in found.__dataclass_fields__}, **values})


def _judged(found: Inspection, settings: Settings) -> Inspection:
    """Whether a run would load the file: it was loaded here whatever the share of rows that do not fit."""
    if found.problem is not None or found.loaded is None or found.source is None:
        return found
    limit = settings.quarantine_limit
    read, bad = found.loaded.rows_read, found.loaded.quarantined - found.loaded.unlimited
    if not read:
        return _with(found, problem="The file holds a header and no rows: there is nothing to load. Export it again.")
    if bad <= limit * read:
        return found
    reasons = {reason.text: reason.rows for reason in found.reasons}
    advice = what_to_set(reasons, bad, found.source.name, settings.currency)
    return _with(
        found,
        problem=f"{bad / read:.1%} of the rows do not fit, more than {limit:.1%} (setting quarantine_limit): a run "
        f"would load nothing of this file. "
        f"{advice or 'Fix the export, name another source, or set how it is written'}.",
    )


def _warning(moment: str, last: dt.datetime | None, settings: Settings) -> str | None:
    """The one place where the clock is asked: it is a person who looks, now."""
    today = dt.datetime.now(ZoneInfo(settings.timezone)).date()
    if last is None or last.date() <= today:
        return None
    return (
        f"The latest {moment} is {last.date()}, after today. Rows of the future are loaded and count for no day before "
        f"theirs; if the date is a typo, correct it in the shop and export again."
    )


def _reasons(engine: DuckDBEngine) -> list[Reason]:
    """Why rows are quarantined, the most frequent first; the values are left out so that like comes to like."""
    rows = engine.execute(
        f"""
        WITH single AS (
          SELECT row_number, unnest(string_split(reasons, '; ')) AS reason FROM ingest.quarantine
        )
        SELECT {without_shape_sql("reason")}, count(DISTINCT row_number), min(row_number)
        FROM single GROUP BY ALL ORDER BY 2 DESC, 1
        """
    )
    return [Reason(*row) for row in rows]


# ── an unknown layout ─────────────────────────────────────────────────────────────────────────────────────────────────


def _guessed(
    engine: DuckDBEngine, settings: Settings, path: Path, found: Inspection, profile: Profile,
    sheet: str | None, write_to: Path | None,
) -> Inspection:  # fmt: skip
    """A first source for a layout that nobody knows; tried where it maps all that a run needs."""
    if found.format.startswith(("csv", "xlsx")) and looks_like_data(found.columns):
        return _with(
            found,
            problem="The file has no header line, it seems: its first line looks like data. Add one that names the "
            "columns.",
        )
    guessed = guess_columns(profile)
    known, missing = "No source knows this layout.", lacking(guessed)
    unsure = f" None of its columns is surely {', '.join(missing)}." if missing else ""
    if inner := [name for name, likes in profile.items() if "nested" in likes]:
        found = _with(
            found,
            note=f"Nested and not guessed: {shown_names(inner)}. What lies inside is reached by names such as "
            f"profile.email in a source with nested: true (docs/exports.md).",
        )
    if "customer_id" in guessed and "name" in profile[guessed["customer_id"]]:
        found = _with(
            found, note=f"customer_id is made of {shown_names([guessed['customer_id']])}, which {NAMES}, or an address."
        )
    if write_to is None:
        return _with(
            found, guessed=guessed, problem=f"{known}{unsure} Add --write FOLDER to have a first source written for it."
        )
    target = write_source(write_to, path.name, profile, guessed, sheet)
    more = {"guessed": guessed, "written": target}
    if missing:
        return _with(
            found, **more,
            problem=f"{known}{unsure} A source is written that is not to be used yet: map {', '.join(missing)} in "
            f"{target}, where it says NULL, and inspect the file again.",
        )  # fmt: skip
    return _plausible(_loaded(engine, settings, path, found, read_source(target), **more))


def _plausible(found: Inspection) -> Inspection:
    """A guess is not to be used if what comes of it is no shop."""
    if found.problem is not None or found.figures is None or not found.figures.orders:
        return found
    customers, orders, revenue = found.figures.customers, found.figures.orders, found.figures.revenue
    doubts = []
    if customers == 0 or (customers == 1 and orders >= ALONE):
        doubts.append(f"{counted(orders, 'order')} of {counted(customers, 'customer')}")
    if revenue <= 0:
        doubts.append(f"a revenue of {revenue:,}")
    if not doubts:
        return found
    return _with(
        found, problem=f"The columns were guessed, and {' and '.join(doubts)} cannot be right: correct {found.written}."
    )
