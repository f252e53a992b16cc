"""The lint over every SQL file and all that Python asks: `make lint`, and with a home's own files `perennial lint`.

Tables keep to the portable subset (`engines/portable/`): all of it is translated to Spark, too, which needs no Spark.
Audiences are written by DuckDB, which is asked whether it can, on a warehouse without rows. What sources and a home's
files may say is judged when they are read (`tables/safe_sql.py`), and so is what pages and their charts say.
"""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from pipeline.activation.outputs import AudienceRefused, write_audiences
from pipeline.engines.duckdb import DuckDBEngine, SelectRefused, confine, parameter_columns
from pipeline.engines.portable.lint import Refused, Schemas, refusals, to_spark
from pipeline.errors import PerennialError
from pipeline.ingest.sources import find_sources
from pipeline.reporting.page import page_folders, read_pages
from pipeline.reporting.site import PYTHON_PAGES, all_pages
from pipeline.settings import PAGES_FOLDER, Settings
from pipeline.steps.computed import STEPS, queries_of
from pipeline.steps.prediction import backtest
from pipeline.steps.prediction.inputs import HORIZONS_OF_WINDOW
from pipeline.tables.audiences import Audience
from pipeline.tables.catalog import Catalog, catalog_of, features, ours
from pipeline.tables.header import Table

_DAY = dt.date(2024, 2, 29)
_UNTIL = dict.fromkeys(["until", *(f"until_{place}" for place in range(HORIZONS_OF_WINDOW))], _DAY)
_VALUES = {"snapshot_date": _DAY, **_UNTIL, "part_from": "0", "part_to": "8"}
"""Of the parameters that there are: a translation holds values."""


def problems() -> list[PerennialError]:
    """What the SQL of the project says that it may not; empty when all is well."""
    schemas = _schemas(ours())
    of_features: list[Refused] = []
    for query in features().values():
        of_features += _of_table(query, schemas, of_features)
    found = [*of_features, *_problems_of(ours(), Catalog({}, ()), of_features)]
    asked = {module: queries_of(step) for step, module in STEPS.items()} | {backtest.__name__: backtest.queries()}
    for module, queries in asked.items():
        for name, sql in queries.items():
            found += _not_for_spark(sql, f"{module} ({name})", schemas)
    return [*found, *_unreadable_pages([PAGES_FOLDER], ours())]


def problems_of_home(settings: Settings) -> list[PerennialError]:
    """The same of what a home adds, sources included; ours do not change with it."""
    found = list[PerennialError]()
    try:
        find_sources(settings.sources_folders)
    except PerennialError as error:
        found.append(error)
    try:
        catalog = catalog_of(settings.home)
    except PerennialError as error:
        return [error, *found]
    found += problems() if catalog is ours() else _problems_of(catalog, ours())
    return [*found, *_unreadable_pages(page_folders(settings.home), catalog)]


def _problems_of(catalog: Catalog, known: Catalog, of_features: Sequence[Refused] = ()) -> list[PerennialError]:
    """Of the tables and audiences that are not known, and known to be well."""
    schemas, found = _schemas(catalog), list[PerennialError]()
    for table in catalog.tables.values():
        if table.full_name in known.tables:
            continue
        if table.select:
            found += _of_table(table, schemas, of_features)
        for name, test in table.header.tests.items():
            found += _not_for_spark(test, f"{table.file} (test {name})", schemas)
    return [*found, *_unusable(catalog, [one for one in catalog.audiences if one not in known.audiences])]


def _schemas(catalog: Catalog) -> Schemas:
    types = {table.full_name: table.column_types() for table in catalog.tables.values()}
    return types | parameter_columns(Settings())


def _unusable(catalog: Catalog, audiences: Iterable[Audience]) -> list[PerennialError]:
    """The audiences that DuckDB cannot write, asked of tables that have no rows."""
    found = list[PerennialError]()
    with closing(duckdb.connect()) as connection, TemporaryDirectory() as folder:
        engine, settings = DuckDBEngine(connection), Settings(home=Path(folder))
        engine.prepare(settings, list(catalog.tables.values()))
        confine(connection, settings)
        for audience in audiences:
            try:
                write_audiences(engine, [audience], _DAY, lambda target: Path(folder, Path(target).name))
            except (AudienceRefused, SelectRefused) as refused:
                found.append(refused)
    return found


def _unreadable_pages(folders: Iterable[Path], catalog: Catalog) -> list[PerennialError]:
    try:
        all_pages(read_pages(folders, catalog.tables, taken=PYTHON_PAGES))
    except PerennialError as error:
        return [error]
    return []


def _of_table(table: Table, schemas: Schemas, found: Sequence[Refused]) -> list[Refused]:
    """What the engine runs is judged; what is wrong is said of the file it stands in, to which features are tables."""
    refused = _not_for_spark(table.declared_select, table.file, schemas, table.first_line)
    if not refused or table.text == table.select:
        return refused
    known = {**schemas, **{name: feature.column_types() for name, feature in features().items()}}
    of_features = {feature.file for feature in features().values()} & {problem.file for problem in found}
    of_file = refusals(table.declared_text, table.file, known, first_line=table.first_line)
    return of_file or ([] if of_features else refused)


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
