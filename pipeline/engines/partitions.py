"""The catalog of partitions: which days a table holds and how many rows, whichever engine keeps them.

An entry is made in the transaction that writes the partition and goes in the one that removes it, so that both are
there or neither. Nobody has to look into a table to learn its days. On Spark an entry also names the folder with the
rows; tables that are written whole stand there without a day.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any

from pipeline.tables.header import PARTITION_COLUMN

Execute = Callable[..., list[tuple[Any, ...]]]

_CATALOG = "catalog.partitions"
_OF_BEFORE = "lake.partitions"  # of Spark's tables alone
_SAME = "table_name = $table AND day IS NOT DISTINCT FROM $day"


class Partitions:
    """The catalog in the home's DuckDB file. A warehouse of before, that may only be read, is looked through."""

    def __init__(self, execute: Execute) -> None:
        self._execute = execute
        self._is_there = False

    def prepare(self) -> None:
        self._execute("CREATE SCHEMA IF NOT EXISTS catalog")
        self._execute(
            f"CREATE TABLE IF NOT EXISTS {_CATALOG} (table_name VARCHAR, day DATE, row_count BIGINT, folder VARCHAR)"
        )

    def fill(self) -> None:
        """Enter what a warehouse of before holds; for its migration."""
        rows = _looked_through(self._execute)
        self.prepare()
        self._execute(f"INSERT INTO {_CATALOG} SELECT * FROM {rows}")
        self._execute(f"DROP TABLE IF EXISTS {_OF_BEFORE}")

    def enter(self, table: str, day: dt.date | None, rows: int, folder: str | None = None) -> None:
        """The partition has been replaced; call it inside the transaction that does so."""
        key = {"table": table, "day": day}
        self._execute(f"DELETE FROM {_CATALOG} WHERE {_SAME}", key)
        self._execute(
            f"INSERT INTO {_CATALOG} VALUES ($table, $day, $rows, $folder)", {**key, "rows": rows, "folder": folder}
        )

    def forget(self, days: Sequence[dt.date], table: str | None = None) -> None:
        """The partitions of these days are gone, from one table or from all; in the same transaction."""
        self._execute(
            f"DELETE FROM {_CATALOG} WHERE list_contains($days, day) AND table_name = coalesce($table, table_name)",
            {"days": list(days), "table": table},
        )

    def days(self, table: str) -> list[dt.date]:
        """Days of which the table has rows, ascending."""
        found = (
            f"SELECT day FROM {self._rows()} WHERE table_name = $table AND row_count > 0 AND day IS NOT NULL ORDER BY 1"
        )
        return [row[0] for row in self._execute(found, {"table": table})]

    def rows(self, table: str) -> int:
        """Rows of all its partitions."""
        found = f"SELECT coalesce(sum(row_count), 0)::BIGINT FROM {self._rows()} WHERE table_name = $table"
        return int(self._execute(found, {"table": table})[0][0])

    def tables(self, days: Sequence[dt.date]) -> list[str]:
        """Tables that hold a partition of one of these days, as schema.table."""
        found = f"SELECT DISTINCT table_name FROM {self._rows()} WHERE list_contains($days, day) ORDER BY ALL"
        return [row[0] for row in self._execute(found, {"days": list(days)})]

    def rows_by_day(self) -> dict[dt.date, int]:
        """Rows of each day in all tables."""
        found = f"SELECT day, sum(row_count)::BIGINT FROM {self._rows()} WHERE day IS NOT NULL GROUP BY day"
        return dict(self._execute(found))

    def folder(self, table: str, day: dt.date | None) -> str | None:
        found = self._execute(f"SELECT folder FROM {self._rows()} WHERE {_SAME}", {"table": table, "day": day})
        return found[0][0] if found else None

    def places(self, table: str) -> list[tuple[dt.date | None, str]]:
        """(day, folder) of the table's partitions, by day."""
        found = f"SELECT day, folder FROM {self._rows()} WHERE folder IS NOT NULL AND table_name = $table ORDER BY ALL"
        return [(day, folder) for day, folder in self._execute(found, {"table": table})]

    def folders(self, table: str | None = None) -> list[str]:
        """Folders of the table by day, or of all tables."""
        found = (
            f"SELECT folder FROM {self._rows()} "
            "WHERE folder IS NOT NULL AND table_name = coalesce($table, table_name) ORDER BY day, folder"
        )
        return [row[0] for row in self._execute(found, {"table": table})]

    def _rows(self) -> str:
        self._is_there = self._is_there or _exists(self._execute, _CATALOG)  # once there it stays
        return _CATALOG if self._is_there else _looked_through(self._execute)


def _looked_through(execute: Execute) -> str:
    """The catalog as it follows from the tables of a warehouse of before, as a table expression."""
    partitioned = execute(
        "SELECT schema_name || '.' || table_name FROM duckdb_columns() JOIN duckdb_tables() "
        "USING (database_name, schema_name, table_name) WHERE column_name = $column ORDER BY ALL",
        {"column": PARTITION_COLUMN},
    )
    parts = ["SELECT '' AS table_name, DATE '2000-01-01' AS day, 0 AS row_count, '' AS folder WHERE FALSE"]
    parts += [
        f"SELECT '{name}', {PARTITION_COLUMN}, count(*), NULL FROM {name} GROUP BY {PARTITION_COLUMN}"
        for (name,) in partitioned
    ]
    if _exists(execute, _OF_BEFORE):
        parts.append(f"SELECT table_name, day, row_count, folder FROM {_OF_BEFORE}")
    return f"({' UNION ALL '.join(f'({part})' for part in parts)}) AS partitions"


def _exists(execute: Execute, table: str) -> bool:
    found = "SELECT 1 FROM duckdb_tables() WHERE schema_name || '.' || table_name = $table"
    return bool(execute(found, {"table": table}))
