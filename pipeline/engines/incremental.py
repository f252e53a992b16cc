"""Incremental tables: rebuilt for the keys that changed, with the same result as rebuilt whole.

A table whose header says `incremental_by: key` promises that its rows of a key follow from the rows with that key of
the one table it reads. Whoever changes rows of a table says which (`Pending.note`), in the transaction that changes
them; the keys wait in `pending` until the tables that read it are written, and go in the transaction that writes them.
So a run that dies loses none, and a run that changes nothing rebuilds nothing. Another SELECT, header, version or
parameter rebuilds the table whole, and so does a change of very many keys.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlglot import exp

from pipeline import __version__
from pipeline.engines.portable import lint
from pipeline.tables.header import Table
from pipeline.tables.sql_text import written

Execute = Callable[..., list[tuple[Any, ...]]]

MANY_KEYS = 100_000
SHARE_OF_ROWS = 5  # beyond a fifth of the rows the whole is built faster than the part


class Pending:
    """The keys that wait, in `pending.<schema>_<table>`, and how each table was last built, in `pending.built`."""

    def __init__(self, execute: Execute, tables: Sequence[Table]) -> None:
        self._execute = execute
        self._tables = [table for table in tables if table.incremental_source]

    def prepare(self) -> None:
        self._execute("CREATE SCHEMA IF NOT EXISTS pending")
        self._execute("CREATE TABLE IF NOT EXISTS pending.built (table_name VARCHAR, fingerprint VARCHAR)")
        for table in self._tables:
            key, kind = _key(table), table.header.columns[_key(table)].type
            self._execute(f"CREATE TABLE IF NOT EXISTS {_waiting(table)} ({key} {kind})")

    def note(self, table: str, where: str, parameters: Mapping[str, Any] | None = None) -> None:
        """The rows of `table` that match have just been written, or are just about to be deleted."""
        for reader in self._readers(table):
            if self._built(reader) is not None:  # else it is built whole next time, whatever changes until then
                self._execute(
                    f"INSERT INTO {_waiting(reader)} "
                    f"SELECT DISTINCT {_key(reader)} FROM {table} WHERE ({where}) AND {_key(reader)} IS NOT NULL",
                    parameters,
                )

    def keys(self, table: Table) -> str | None:
        """Which rows to rebuild, as a predicate on the key, which also holds for the table read; None: all rows."""
        if table.incremental_source is None or self._built(table) != self._fingerprint(table):
            return None
        waiting = self._execute(f"SELECT count(*) FROM {_waiting(table)}")[0][0]
        if (
            waiting > MANY_KEYS
            and waiting > self._execute(f"SELECT count(*) FROM {table.full_name}")[0][0] / SHARE_OF_ROWS
        ):
            return None
        return f"{_key(table)} IN (SELECT {_key(table)} FROM {_waiting(table)})"

    def done(self, table: Table, whole: bool) -> None:
        """The table is what its SELECT says; if it was built whole, so must be the tables that read it."""
        for reader in self._readers(table.full_name) if whole else ():
            self._execute("DELETE FROM pending.built WHERE table_name = $table", {"table": reader.full_name})
        if table.incremental_source is not None:
            self._execute(f"DELETE FROM {_waiting(table)}")
            self._execute("DELETE FROM pending.built WHERE table_name = $table", {"table": table.full_name})
            self._execute(
                "INSERT INTO pending.built VALUES ($table, $fingerprint)",
                {"table": table.full_name, "fingerprint": self._fingerprint(table)},
            )

    def forget(self, table: Table) -> None:
        """The table has been emptied: it is built whole next time."""
        if table.incremental_source is not None:
            key, kind = _key(table), table.header.columns[_key(table)].type
            self._execute("DELETE FROM pending.built WHERE table_name = $table", {"table": table.full_name})
            self._execute(f"CREATE OR REPLACE TABLE {_waiting(table)} ({key} {kind})")

    def forget_all(self) -> None:
        """Every table is built whole next time."""
        self._execute("DELETE FROM pending.built")

    def _readers(self, table: str) -> list[Table]:
        return [reader for reader in self._tables if reader.incremental_source == table]

    def _built(self, table: Table) -> str | None:
        rows = self._execute(
            "SELECT fingerprint FROM pending.built WHERE table_name = $table", {"table": table.full_name}
        )
        return str(rows[0][0]) if rows else None

    def _fingerprint(self, table: Table) -> str:
        """All that decides what the table holds besides the rows it reads."""
        names = sorted(name for name in table.reads if name.startswith("params."))
        parameters = [self._execute(f"SELECT * FROM {name}") for name in names]
        parts = [__version__, table.select, table.header.model_dump(mode="json"), parameters]
        return hashlib.sha256(json.dumps(parts, default=str).encode()).hexdigest()


def limited(sql: str, tables: Mapping[str, str]) -> str:
    """The SELECT, reading of each of `tables` (schema.table -> predicate) only the rows that match."""

    def limit(node: exp.Expr) -> exp.Expr:
        if not isinstance(node, exp.Table) or not node.db:
            return node
        where = tables.get(f"{node.db}.{node.name}".lower())
        if where is None:
            return node
        rows = f"SELECT * FROM {node.db}.{node.name} WHERE {where}"
        return lint.parse(rows, rows).subquery(node.alias_or_name)

    return written(lint.parse(sql, sql).transform(limit))


def _key(table: Table) -> str:
    assert table.header.incremental_by is not None
    return table.header.incremental_by


def _waiting(table: Table) -> str:
    return f"pending.{table.schema}_{table.name}"
