"""What all assets share: a table's spec and checks as Dagster shows them, and the partitions."""

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence

import dagster as dg

from pipeline.days import first_day
from pipeline.engines.engine import CheckOutcome, Engine
from pipeline.naming import Naming
from pipeline.settings import Settings
from pipeline.tables.header import PARTITION_COLUMN, Column, Table

STANDARD_CHECKS = {
    "keys_unique": "One row per key of the table",
    "columns_fit": "Every column has the values that its header declares",
}


def daily_partitions(settings: Settings) -> dg.DailyPartitionsDefinition:
    """One partition per closed local day of the shop."""
    return dg.DailyPartitionsDefinition(str(first_day(settings)), timezone=settings.timezone, end_offset=0)


def asset_spec(
    table: Table, naming: Naming, partitions_def: dg.PartitionsDefinition[str] | None = None
) -> dg.AssetSpec:
    """The table as its header tells it."""
    columns = [_table_column(name, column) for name, column in table.header.columns.items()]
    return dg.AssetSpec(
        naming.key(table),
        deps=[naming.key(name) for name in sorted(table.reads) if not name.startswith("params.")],
        description=table.header.description,
        group_name=naming.group_of(table.topic or table.schema),
        owners=[table.header.owner],
        kinds={"duckdb", "sql"} if table.select else {"duckdb", "python"},
        partitions_def=partitions_def,
        metadata={
            "dagster/column_schema": dg.TableSchema(columns=columns),
            "dagster/table_name": table.full_name,
            "grain": ", ".join(table.header.grain),
            "file": table.file,
        },
    )


def check_specs(table: Table, naming: Naming) -> list[dg.AssetCheckSpec]:
    """One blocking check per test of the header, beside the two that every table has."""
    tests = STANDARD_CHECKS | {name: name.replace("_", " ").capitalize() for name in table.header.tests}
    return [
        dg.AssetCheckSpec(name, asset=naming.key(table), blocking=True, description=description)
        for name, description in tests.items()
    ]


def check_results(table: Table, naming: Naming, checks: Iterable[CheckOutcome]) -> Iterator[dg.AssetCheckResult]:
    for check in checks:
        yield dg.AssetCheckResult(
            asset_key=naming.key(table),
            check_name=check.name,
            passed=check.passed,
            description=check.message or None,
            metadata={"failing_rows": check.failing},
        )


def merged(by_date: dict[str, Sequence[CheckOutcome]]) -> list[CheckOutcome]:
    """One outcome per check over all dates of a step, its message naming the dates that fail."""
    names = [check.name for check in next(iter(by_date.values()))] if by_date else []
    results = []
    for name in names:
        of_name = {day: check for day, checks in by_date.items() for check in checks if check.name == name}
        messages = [f"{day}: {check.message}" for day, check in of_name.items() if not check.passed]
        results.append(CheckOutcome(name, sum(check.failing for check in of_name.values()), " ".join(messages)))
    return results


def figures(engine: Engine, table: Table, rows: int, day: dt.date | None) -> dict[str, int | float]:
    """What Dagster plots of a table: its rows, and what its header asks of a day."""
    plotted: dict[str, int | float] = {"dagster/row_count": rows}
    if table.header.metrics and day is not None:
        found = engine.read(table.header.metrics, {PARTITION_COLUMN: day})
        plotted |= {name: float(value) for name, value in found.iter_rows() if value is not None}
    return plotted


def _table_column(name: str, column: Column) -> dg.TableColumn:
    unit = f" [{column.unit}]" if column.unit else ""
    constraints = dg.TableColumnConstraints(nullable=column.nullable)
    return dg.TableColumn(name, column.type, f"{column.meaning}{unit}", constraints=constraints)
