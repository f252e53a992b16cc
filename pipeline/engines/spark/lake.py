"""The lake: tables as folders of Parquet that Spark writes; the catalog of partitions knows which folder is which.

A partition is written into a folder of its own, looked at, and only then entered in the catalog, in one transaction
with the view through which DuckDB reads it. The catalog is a table of the home's DuckDB file (`engines.partitions`). So
a run that dies leaves folders that nobody knows, and the next one removes them: the folders belong to one home alone,
which a file beside them names. What belongs here: the folders. Spark is not needed.
"""

from __future__ import annotations

import datetime as dt
import glob
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from pipeline.durable import fsync, fsync_tree
from pipeline.engines.duckdb import DuckDBEngine
from pipeline.engines.partitions import Partitions
from pipeline.errors import PerennialError
from pipeline.quoting import text_literal
from pipeline.settings import Settings
from pipeline.tables.header import PARTITION_COLUMN, RENAMED_COLUMNS, Table

_HOME = ("CREATE SCHEMA IF NOT EXISTS lake", "CREATE TABLE IF NOT EXISTS lake.home (id VARCHAR)")
_OWNER = "perennial-home"  # the file: the id that the catalog of its home has as well, and where that home is
_FOLDERS = ("runs", "inputs")


class LakeNotWritable(PerennialError):
    """The folder of the lake cannot be used; the message names it and says what to do."""


def lake_folder(settings: Settings) -> Path:
    """Where Spark's tables lie: `spark.warehouse`, else inside the home."""
    return settings.spark.warehouse or settings.home / "data" / "warehouse" / "spark"


def is_in_lake(table: Table, by_spark: bool = False) -> bool:
    """Ledger, quarantine and what DuckDB loads are in the home's DuckDB file, all else is in the lake; `by_spark`:
    whether Spark reads the order lines.
    """
    if table.full_name == "staging.order_lines":
        return by_spark
    return table.select is not None or table.header.computed_by is not None


class Lake:
    """Folders below `root`, which this machine and all workers of Spark see under the same path."""

    def __init__(self, local: DuckDBEngine, settings: Settings, tables: Sequence[Table]) -> None:
        self._local = local
        self._catalog = Partitions(local.execute)
        self._tables = tables
        self.root = lake_folder(settings)
        # A lake inside its home goes where the home goes: then it does not matter where that is.
        self._home = "" if self.root.resolve().is_relative_to(settings.home) else str(settings.home)

    def prepare(self) -> None:
        """Catalog and views; what a run that died left behind goes. Raises LakeNotWritable."""
        self.require_usable()
        with self._naming_the_folder():
            self.root.mkdir(parents=True, exist_ok=True)
            probe = self.root / ".probe"
            probe.touch()
            probe.unlink()
            self._claim()
        with self._local.transaction():
            for table in self._tables:
                self._local.execute(f"CREATE SCHEMA IF NOT EXISTS {table.schema}")
                self._show(table)
        self._sweep()

    def require_usable(self) -> None:
        """See, without a change, that the folders are all there and are this home's. Raises LakeNotWritable."""
        with self._naming_the_folder():
            self._require_own()
            missing = next((folder for folder in self._known() if not folder.is_dir()), None)
        if missing is not None:
            raise LakeNotWritable(
                f"Spark's tables are not where they were written: there is no {missing}. If spark.warehouse was "
                f"changed, set it back; if it is a share, mount it. To start again, delete data/warehouse/spark.duckdb "
                f"and all that is in {self.root}."
            )

    def _require_own(self) -> None:
        """What the catalog of another home knows is unknown to this one, which would sweep it away."""
        owner, own = self._owner(), self._id()
        if owner is None:
            self._require_free()
            return
        id, home = owner
        begun_again = own is None and not self._home
        if home != self._home or (id != own and not begun_again):
            raise LakeNotWritable(
                f"{self.root} holds the tables of another home{home and f', {home}'}. Name a folder of its own in "
                f"spark.warehouse, and if this home is a copy, delete its data/warehouse/spark.duckdb. Only if "
                f"this is that very home: after a move, delete {self.root / _OWNER}; to start again, delete all that "
                f"is in {self.root}."
            )

    def _require_free(self) -> None:
        """Nothing is swept away in a folder that somebody else filled."""
        taken = [name for name in _FOLDERS if (self.root / name).exists()]
        if taken and self._home and not self._known():
            raise LakeNotWritable(
                f"{self.root} holds {' and '.join(taken)}, which this home has not written. Name a folder of its own "
                f"in spark.warehouse, or empty that one."
            )

    def _claim(self) -> None:
        """Make the root this home's: first the catalog has the id, then the root."""
        owner = self._owner()
        with self._local.transaction():
            self._catalog.prepare()
            for statement in _HOME:
                self._local.execute(statement)
            if self._id() is None:
                self._local.execute("INSERT INTO lake.home VALUES ($id)", {"id": owner[0] if owner else uuid4().hex})
        if owner is None:
            with suppress(FileExistsError), (self.root / _OWNER).open("x") as file:
                file.write(f"{self._id()}\n{self._home}\n")
            fsync(self.root / _OWNER)
            fsync(self.root)
            self._require_own()  # two homes may come at once

    def _owner(self) -> tuple[str, str] | None:
        """Whose root this is: id and place of the home."""
        file = self.root / _OWNER
        if not file.exists():
            return None
        id, _, home = file.read_text().partition("\n")
        return id, home.strip()

    def _id(self) -> str | None:
        return self._local.scalar("SELECT id FROM lake.home") if self._local.has("lake.home") else None

    @contextmanager
    def _naming_the_folder(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise LakeNotWritable(
                f"Spark's tables cannot be written to {self.root}: {error.strerror or error}. "
                f"Make the folder writable, or name another one in spark.warehouse."
            ) from error

    def folders(self, table: Table) -> list[Path]:
        """The folders whose rows together are the table."""
        return [self.root / folder for folder in self._catalog.folders(table.full_name)]

    def new_folder(self, table: Table, day: dt.date | None, run_id: str) -> Path:
        """Where a run may write a partition; empty."""
        name = f"runs/{run_id}/{table.full_name}" + (f"/{PARTITION_COLUMN}={day}" if day else "")
        folder = self.root / name
        if folder == self._folder(table, day):  # the second time in one run
            folder = folder.with_name(f"{folder.name}.again")
        shutil.rmtree(folder, ignore_errors=True)
        return folder

    def commit(
        self, table: Table, day: dt.date | None, folder: Path, rows: int, also: Callable[[], object] = lambda: None
    ) -> None:
        """From now on the partition is what lies in `folder`; `also` is done in the same transaction."""
        before, name = self._folder(table, day), folder.relative_to(self.root)
        fsync_tree(folder)  # Spark does not; and the old folder goes at once
        for parent in name.parents:
            fsync(self.root / parent)
        with self._local.transaction():
            self._catalog.enter(table.full_name, day, rows, name.as_posix())
            self._show(table)
            also()
        if before is not None and before != folder:
            shutil.rmtree(before, ignore_errors=True)

    def is_empty(self, table: Table) -> bool:
        """Whether none of its partitions has a row."""
        return not self._catalog.rows(table.full_name)

    def partitions(self, table: Table) -> list[dt.date]:
        """Days with rows, ascending."""
        return self._catalog.days(table.full_name)

    def rows_by_day(self) -> dict[dt.date, int]:
        """Rows of each snapshot in all tables."""
        return self._catalog.rows_by_day()

    def drop_days(self, days: Sequence[dt.date]) -> None:
        """Remove these snapshots from all tables: first from the catalog, then from the disk."""
        with self._local.transaction():
            self._catalog.forget(days)
            for table in self._tables:
                self._show(table)
        self._sweep()

    def take_out(self, where: Callable[[Mapping[str, str]], str | None], run_id: str) -> None:
        """Write each partition that holds such rows again without them, by DuckDB; each is one commit.

        `where`: SQL over `rows` for a table of these columns and types, None where there can be none. What Spark was
        handed over is made again by the run that needs it.
        """
        for table in self._tables:
            for day, folder in self._catalog.places(table.full_name):
                if files := sorted((self.root / folder).glob("*.parquet")):
                    self._take_out(table, day, files, where, run_id)
        shutil.rmtree(self.root / "inputs", ignore_errors=True)

    def _take_out(
        self, table: Table, day: dt.date | None, files: Sequence[Path],
        where: Callable[[Mapping[str, str]], str | None], run_id: str,
    ) -> None:  # fmt: skip
        listed = ", ".join(text_literal(file.as_posix()) for file in files)
        rows = f"read_parquet([{listed}], union_by_name = true, hive_partitioning = false) AS rows"
        described = self._local.execute(f"SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM {rows})")
        condition = where(dict(described))
        if condition is None or not self._local.scalar(f"SELECT count(*) FROM {rows} WHERE {condition}"):
            return
        fresh = self.new_folder(table, day, run_id)
        fresh.mkdir(parents=True)
        left = self._local.export(f"SELECT * FROM {rows} WHERE NOT {condition}", {}, fresh / "part-0.parquet")
        self.commit(table, day, fresh, left)

    def _known(self) -> list[Path]:
        """All folders of the catalog."""
        return [self.root / folder for folder in self._catalog.folders()]

    def _folder(self, table: Table, day: dt.date | None) -> Path | None:
        found = self._catalog.folder(table.full_name, day)
        return self.root / found if found else None

    def _show(self, table: Table) -> None:
        """The view through which DuckDB reads the table; a column that older files lack is null in them."""
        files = [f"{glob.escape(folder.as_posix())}/*.parquet" for folder in self.folders(table)]
        declared, present = table.column_types(), set[str]()
        source = "(SELECT 1) AS nothing WHERE FALSE"
        if files:
            listed = ", ".join(map(text_literal, files))
            source = f"read_parquet([{listed}], union_by_name = true, hive_partitioning = false)"
            present = {row[0] for row in self._local.execute(f"SELECT column_name FROM (DESCRIBE FROM {source})")}
        older = {now: before for before, now in RENAMED_COLUMNS.get(table.full_name, {}).items()}
        columns = []
        for name, kind in declared.items():
            stored = [f'"{one}"' for one in (name, older.get(name)) if one in present]
            columns.append(f'CAST({_first_known(stored)} AS {kind}) AS "{name}"')
        self._local.execute(f"CREATE OR REPLACE VIEW {table.full_name} AS SELECT {', '.join(columns)} FROM {source}")

    def _sweep(self) -> None:
        """Remove the folders that the catalog does not know."""
        known = set(self._known())
        parents = {parent for folder in known for parent in folder.parents}
        for run in (self.root / "runs").glob("*"):
            _remove_unknown(run, known, parents)


def _first_known(stored: Sequence[str]) -> str:
    return f"coalesce({', '.join(stored)})" if stored else "NULL"


def _remove_unknown(folder: Path, known: set[Path], parents: set[Path]) -> None:
    if folder in known:
        return
    if folder not in parents:
        shutil.rmtree(folder, ignore_errors=True)
        return
    for inside in folder.iterdir():
        _remove_unknown(inside, known, parents)
