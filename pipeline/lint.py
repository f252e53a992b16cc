"""The lint over every SQL file and all that Python asks: `make lint`, and with a home's own files `perennial lint`.

Tables keep to the portable subset (`engines/portable/`): all of it is translated to Spark, too, which needs no Spark.
Audiences are written by DuckDB, which is asked whether it can, on a warehouse without rows. What sources and a home's
files may say is judged when they are read (`tables/safe_sql.py`), and so is what pages and their charts say. A home's
sources are tried on a row of odd cells, and its pages on the latest snapshot, where there is one.
"""

from __future__ import annotations

import datetime as dt
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
from sqlglot import exp

from pipeline.activation.outputs import AudienceRefused, write_audiences
from pipeline.engines.duckdb import DuckDBEngine, SelectRefused, confine, parameter_columns
from pipeline.engines.portable.lint import Refused, Schemas, refusals, to_spark
from pipeline.errors import PerennialError
from pipeline.home.locks import HomeBusy, HomeNotWritable, home_lock
from pipeline.home.opening import opened
from pipeline.home.people import people_attached
from pipeline.ingest.inspection import tried
from pipeline.ingest.sources import find_sources, require_sources_of_settings
from pipeline.places import published_days
from pipeline.reporting.facts import RunCard, read_report
from pipeline.reporting.page import PageFile, page_folders, read_pages
from pipeline.reporting.site import all_pages, try_pages
from pipeline.settings import PAGES_FOLDER, PROJECT, Settings
from pipeline.steps.computed import STEPS, queries_of
from pipeline.steps.prediction import backtest
from pipeline.steps.prediction.inputs import DRAWN, HORIZONS_OF_WINDOW
from pipeline.tables.audiences import Audience, on_terms
from pipeline.tables.catalog import Catalog, catalog_of, features, ours
from pipeline.tables.header import PARTITION_COLUMN, Table
from pipeline.tables.sql_text import parse

_DAY, _CURRENCY = dt.date(2024, 2, 29), "EUR"
_UNTIL = dict.fromkeys(["until", *(f"until_{place}" for place in range(HORIZONS_OF_WINDOW))], _DAY)
_SIZES = {"level": "product", "size_limit": 300, "drawn_to": "8", "low": 1, "high": 2}
_VALUES = {"snapshot_date": _DAY, **_UNTIL, "place": 0, "parts": 2, "part_to": "8", **_SIZES}
"""Of the parameters that there are: a translation holds values."""


def problems() -> list[PerennialError]:
    """What the SQL of the project says that it may not; empty when all is well."""
    schemas = {**_schemas(ours()), f"temp.{DRAWN.name}": DRAWN.columns}
    of_features: list[Refused] = []
    for query in features().values():
        of_features += _of_table(query, schemas, of_features)
    found = [*of_features, *_problems_of(ours(), Catalog({}, ()), of_features)]
    asked = {module: queries_of(step) for step, module in STEPS.items()} | {backtest.__name__: backtest.queries()}
    for module, queries in asked.items():
        for name, sql in queries.items():
            found += _not_for_spark(sql, f"{module} ({name})", schemas)
    return [*found, *_of_pages([PAGES_FOLDER], ours(), PAGES_FOLDER)]


def problems_of_home(settings: Settings) -> list[PerennialError]:
    """The same of what a home adds, sources included; ours do not change with it."""
    found = list[PerennialError]()
    try:
        sources = find_sources(settings.sources_folders)
        require_sources_of_settings(settings)
        *own, _ = settings.sources_folders
        found += filter(None, (tried(sources[label], settings) for label in find_sources(own)))
    except PerennialError as error:
        found.append(error)
    try:
        catalog = catalog_of(settings.home)
    except PerennialError as error:
        return [error, *found]
    try:
        on_terms(catalog.audiences, settings.deliver)
    except PerennialError as error:
        found.append(error)
    if settings.home.resolve() == PROJECT:
        return [*problems(), *found]
    folders = page_folders(settings.home)
    of_pages = _of_pages(folders, catalog, folders[-1]) or _of_latest_report(settings, catalog, folders[-1])
    return [*_problems_of(catalog, ours()), *of_pages, *found]


def _problems_of(catalog: Catalog, known: Catalog, of_features: Sequence[Refused] = ()) -> list[PerennialError]:
    """Of the tables and audiences that are not known, and known to be well."""
    schemas, found = _schemas(catalog), list[PerennialError]()
    for table in catalog.tables.values():
        if table.full_name in known.tables:
            continue
        if table.select:
            found += _of_table(table, schemas, of_features) or _of_every_day(table, catalog)
        for name, test in table.header.tests.items():
            found += _not_for_spark(test, f"{table.file} (test {name})", schemas)
        if table.header.metrics:
            found += _not_for_spark(table.header.metrics, f"{table.file} (metrics)", schemas)
    return [*found, *_unusable(catalog, [one for one in catalog.audiences if one not in known.audiences])]


def _schemas(catalog: Catalog) -> Schemas:
    types = {table.full_name: table.column_types() for table in catalog.tables.values()}
    return types | parameter_columns(Settings())


def _unusable(catalog: Catalog, audiences: Iterable[Audience]) -> list[PerennialError]:
    """The audiences that DuckDB cannot write, asked of tables that have no rows."""
    found = list[PerennialError]()
    with _without_rows(catalog) as (engine, folder):
        for audience in audiences:
            try:
                write_audiences(engine, [audience], _DAY, lambda target: folder / Path(target).name)
            except (AudienceRefused, SelectRefused) as refused:
                found.append(refused)
    return found


def _of_pages(folders: Sequence[Path], catalog: Catalog, judged: Path) -> list[PerennialError]:
    """Pages and charts that cannot be read, and those `judged` that cannot be made of tables that have no rows."""
    try:
        pages = read_pages(folders, catalog.tables)
        all_pages(pages)
    except PerennialError as error:
        return [error]
    judged_pages = [page for page in pages if (judged / page.name).exists()]
    return _not_made(judged_pages, catalog) if judged_pages else []


def _of_latest_report(settings: Settings, catalog: Catalog, judged: Path) -> list[PerennialError]:
    """The first of the pages `judged` that cannot be made of the latest snapshot, if that can be read now."""
    days = published_days(settings.home)
    if not days or not settings.warehouse_file.exists() or settings.engine != "duckdb" or judged == PAGES_FOLDER:
        return []
    run = RunCard("", "", {}, settings.analytic(), settings.currency, settings.locale, settings.name)
    try:
        with (
            home_lock(settings.home, f"lint-{os.getpid()}", 0),
            opened(settings, read_only=True, wait_seconds=0) as connection,
        ):
            engine = DuckDBEngine(connection)
            if not engine.is_behind(catalog.tables.values()):
                folders, own = page_folders(settings.home), {f"pages/{folder.name}" for folder in judged.glob("*/")}
                try_pages(engine.read, days[-1], catalog.tables, run, folders, lambda page: page.template in own)
    except (HomeBusy, HomeNotWritable):  # there is nothing wrong with a page
        return []
    except PerennialError as error:
        return [error]
    return []


def _not_made(pages: Iterable[PageFile], catalog: Catalog) -> list[PerennialError]:
    found = list[PerennialError]()
    with _without_rows(catalog) as (engine, _):
        report = read_report(engine.read, _DAY, catalog.tables, RunCard("", "", {}, {}, _CURRENCY))
        for page in pages:
            try:
                page.without_rows(report)
            except PerennialError as error:
                found.append(error)
    return found


@contextmanager
def _without_rows(catalog: Catalog) -> Iterator[tuple[DuckDBEngine, Path]]:
    """A warehouse in which nobody has bought anything, and a folder for what is written of it."""
    with closing(duckdb.connect()) as connection, TemporaryDirectory() as folder:
        engine, settings = DuckDBEngine(connection), Settings(home=Path(folder))
        engine.prepare(settings, list(catalog.tables.values()))
        confine(connection, settings)
        with people_attached(engine, settings, read_only=True):  # nobody is known either; platforms ask for them
            yield engine, Path(folder)


def _of_table(table: Table, schemas: Schemas, found: Sequence[Refused]) -> list[Refused]:
    """What the engine runs is judged; what is wrong is said of the file it stands in, to which features are tables."""
    refused = _not_for_spark(table.declared_select, table.file, schemas, table.first_line)
    if not refused or table.select is None:
        return refused
    known = {**schemas, **{name: feature.column_types() for name, feature in features().items()}}
    of_features = {feature.file for feature in features().values()} & {problem.file for problem in found}
    select = table.text or table.select
    of_file = refusals(select, table.file, known, first_line=table.first_line) or _not_given(table, select)
    of_file = of_file or refusals(table.declared_text, table.file, known, first_line=table.first_line)
    return of_file or ([] if of_features else refused)


def _not_given(table: Table, select: str) -> list[Refused]:
    """Columns of the header that the SELECT has none of the name of."""
    given = {name.lower() for name in parse(select, table.file).named_selects}
    missing = [] if "*" in given else [name for name in table.header.columns if name.lower() not in given]
    why = "is in the header, and the SELECT does not give it"
    return [Refused(table.file, name, f"… AS {name}", why) for name in missing]


def _of_every_day(table: Table, catalog: Catalog) -> list[Refused]:
    """Snapshots of which the SELECT reads every day: from the second on its rows would be there several times."""
    found = []
    for select in parse(table.declared_text, table.file).find_all(exp.Select):
        joins = select.args.get("joins") or []
        sources = [part.this for part in (select.args.get("from_"), *joins) if part is not None]
        conditions = [select.args.get("where"), select.args.get("qualify"), *(join.args.get("on") for join in joins)]
        columns = [column for one in conditions if one is not None for column in one.find_all(exp.Column)]
        of_a_day = {column.table for column in columns if column.name == PARTITION_COLUMN}
        if "" in of_a_day or any(PARTITION_COLUMN in map(_named, join.args.get("using") or []) for join in joins):
            continue
        for source in sources:
            known = catalog.tables.get(f"{source.db}.{source.name}") if isinstance(source, exp.Table) else None
            if known is not None and known.is_partitioned and source.alias_or_name not in of_a_day:
                condition = f"WHERE {PARTITION_COLUMN} = ${PARTITION_COLUMN} with it"
                found.append(Refused(table.file, known.full_name, condition, "is read of every day"))
    return found


def _named(column: exp.Expression | str) -> str:
    return column if isinstance(column, str) else column.name


def _not_for_spark(sql: str, file: str, schemas: Schemas, first_line: int | None = None) -> list[Refused]:
    try:
        to_spark(sql, file, schemas, _VALUES, first_line=first_line)
    except Refused as refused:
        # The translation stops at the first; what only the translation finds is not among them.
        return refusals(sql, file, schemas, first_line=first_line) or [refused]
    return []


def main() -> int:
    found = problems()
    for problem in found:
        print(problem, file=sys.stderr)  # noqa: T201
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
