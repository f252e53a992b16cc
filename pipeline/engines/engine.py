"""The interface: `Engine` is what the rest of the house may ask of the place where SQL runs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import polars as pl

from pipeline.engines.kept import Asked
from pipeline.errors import PerennialError
from pipeline.tables.header import Table

Parameters = Mapping[str, Any]


@dataclass(frozen=True)
class CheckOutcome:
    """One check of a table: its name, how many rows fail it, and a sentence that says so without showing them."""

    name: str
    failing: int
    message: str

    @property
    def passed(self) -> bool:
        return self.failing == 0


@dataclass(frozen=True)
class Written:
    """A table, or one partition of it, that passed all its checks and is committed."""

    rows: int
    checks: tuple[CheckOutcome, ...]


class TableRefused(PerennialError):
    """What was written did not pass its checks, and was rolled back; `checks` tells which."""

    def __init__(self, table: str, checks: Sequence[CheckOutcome]) -> None:
        failed = [f"{check.name}: {check.message}" for check in checks if not check.passed]
        super().__init__(f"{table} was not changed. {' '.join(failed)}")
        self.table = table
        self.checks = tuple(checks)


class Snapshots(Protocol):
    """Whoever keeps partitions by snapshot date."""

    def rows_by_day(self) -> dict[dt.date, int]:
        """Rows of each snapshot in all tables."""

    def drop_days(self, days: Sequence[dt.date]) -> None:
        """Remove these snapshots from all tables."""


class Engine(Snapshots, Protocol):
    """One warehouse, open for the length of a run."""

    def write(self, table: Table, snapshot_date: dt.date | None = None) -> Written:
        """Replace the table, or its partition of `snapshot_date`, by its SELECT, whole and tested or not at all.

        Raises TableRefused.
        """

    def write_frame(self, table: Table, snapshot_date: dt.date, frame: pl.DataFrame) -> Written:
        """Replace the partition of a table that Python makes; columns by name, validated first. Raises TableRefused."""

    def read(self, sql: str, parameters: Parameters | None = None) -> pl.DataFrame:
        """The result of a SELECT."""

    def digest(self, sql: str, parameters: Parameters | None = None) -> str:
        """A fingerprint of the rows of a SELECT, in whatever order they come; each engine has its own."""

    def keep(self, name: str, columns: Mapping[str, str], sql: str, parameters: Parameters) -> None:
        """Have the result of a SELECT at hand as `temp.<name>`, with these columns and types, while this is open."""

    def expect(self, asked: Callable[[], Asked]) -> None:
        """What a run will ask for, so that nothing is kept for longer than it is read (`engines.kept`)."""

    def finished(self, name: str) -> None:
        """The table or step of that name asks for nothing more in this run."""

    def partitions(self, table: Table) -> list[dt.date]:
        """Snapshot dates the table holds, ascending."""
