"""The portability lint over every SQL file and all that Python asks, and the pages that are files: `make lint`.

The rules are in `engines/subset.py` and `sql_types.py`. All of it is translated to Spark, too, which needs no Spark.
Sources are not among it: only DuckDB runs them, and what they may say is judged when they are read (`safe_sql.py`).
"""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Mapping

from pipeline.engines.duckdb import parameter_columns
from pipeline.engines.portable.lint import Refused, refusals, to_spark
from pipeline.reporting.page import read_pages
from pipeline.reporting.site import PYTHON_PAGES, all_pages
from pipeline.settings import PAGES_FOLDER, Settings
from pipeline.steps.computed import STEPS, queries_of
from pipeline.steps.prediction import backtest
from pipeline.tables.catalog import features, tables
from pipeline.tables.header import HeaderError

_DAY = dt.date(2024, 2, 29)
_VALUES = {"snapshot_date": _DAY, "until": _DAY, "part_from": "0", "part_to": "8"}
"""Of the parameters that there are: a translation holds values."""


def problems() -> list[Refused]:
    """What the SQL of the project writes outside the portable subset; empty when all is well."""
    schemas = {table.full_name: table.column_types() for table in tables().values()} | parameter_columns(Settings())
    found: list[Refused] = []
    for table in [*tables().values(), *features().values()]:
        if table.select:
            found += _not_for_spark(table.declared_select, table.file, schemas, table.first_line)
        for name, test in table.header.tests.items():
            found += _not_for_spark(test, f"{table.file} (test {name})", schemas)
    asked = {module: queries_of(step) for step, module in STEPS.items()} | {backtest.__name__: backtest.queries()}
    for module, queries in asked.items():
        for name, sql in queries.items():
            found += _not_for_spark(sql, f"{module} ({name})", schemas)
    return found


def _not_for_spark(
    sql: str, file: str, schemas: Mapping[str, Mapping[str, str]], first_line: int | None = None
) -> list[Refused]:
    try:
        to_spark(sql, file, schemas, _VALUES, first_line=first_line)
    except Refused as refused:
        # The translation stops at the first; what only the translation finds is not among them.
        return refusals(sql, file, schemas, first_line=first_line) or [refused]
    return []


def main() -> int:
    found: list[Exception] = [*problems()]
    try:
        all_pages(read_pages([PAGES_FOLDER], tables(), taken=PYTHON_PAGES))
    except HeaderError as error:
        found.append(error)
    for problem in found:
        print(problem, file=sys.stderr)  # noqa: T201
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
