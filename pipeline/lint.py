"""The portability lint over every SQL file and all that Python asks: `make lint`. The rules: `engines/dialect.py`."""

from __future__ import annotations

import sys

from pipeline.catalog import features, tables
from pipeline.computed import STEPS, queries_of
from pipeline.engines.dialect import Refused, refusals
from pipeline.engines.duckdb import parameter_columns
from pipeline.prediction import backtest
from pipeline.settings import SQL_FOLDER, Settings
from pipeline.sources import ROW_NUMBER, find_sources


def problems() -> list[Refused]:
    """What the SQL of the project writes outside the portable subset; empty when all is well."""
    schemas = {table.full_name: table.column_types() for table in tables().values()} | parameter_columns(Settings())
    found: list[Refused] = []
    for table in [*tables().values(), *features().values()]:
        if table.select:
            found += refusals(table.select, table.file, schemas)
        for name, test in table.header.tests.items():
            found += refusals(test, f"{table.file} (test {name})", schemas)
    asked = {module: queries_of(step) for step, module in STEPS.items()} | {backtest.__name__: backtest.queries()}
    for module, queries in asked.items():
        for name, sql in queries.items():
            found += refusals(sql, f"{module} ({name})", schemas)
    for source in find_sources([SQL_FOLDER / "sources"]).values():
        export = {ROW_NUMBER: "BIGINT"} | dict.fromkeys(source.header.raw, "VARCHAR")
        found += refusals(source.select, source.file, {"export": export}, source=True)
    return found


def main() -> int:
    found = problems()
    for problem in found:
        print(problem, file=sys.stderr)  # noqa: T201
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
